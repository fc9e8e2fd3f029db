import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { until } from '../../../base/deadline.ts';
import { FrostlineError } from '../../../errors.ts';
import type { Qmp } from '../qmp.ts';

/**
 * The state of a machine's devices, without RAM that is in a shared file (QEMU's docs/devel/migration). It goes through
 * a socket: `file:` needs QEMU 8.2, and the sandbox refuses `exec:`.
 */
export interface StateWay {
  /** The machine's private folder. */
  readonly dir: string;
  readonly file: string;
  readonly signal: AbortSignal;
}

const stateMs = 30_000;

const leaveRamOut = (qmp: Qmp): Promise<unknown> =>
  qmp.execute('migrate-set-capabilities', { capabilities: [{ capability: 'x-ignore-shared', state: true }] });

/** Writes the state to a file. The machine runs until then, and never again. */
export async function saveState(qmp: Qmp, { dir, file, signal }: StateWay): Promise<void> {
  await leaveRamOut(qmp);
  const socket = join(dir, 'state');
  const server = createServer({ pauseOnConnect: true }).listen(socket);
  await once(server, 'listening');
  try {
    const written = once(server, 'connection', { signal }).then(([from]) =>
      pipeline(from, createWriteStream(file, { mode: 0o600 })),
    );
    // not paused before: its clones would start paused
    await Promise.all([written, qmp.execute('migrate', { uri: `unix:${socket}` })]);
    await untilMoved(qmp, signal);
  } finally {
    server.close();
  }
}

/** Reads the state from a file into a machine that waits for it, and lets it run. */
export async function loadState(qmp: Qmp, { dir, file, signal }: StateWay): Promise<void> {
  await leaveRamOut(qmp);
  const socket = join(dir, 'state');
  await qmp.execute('migrate-incoming', { uri: `unix:${socket}` });
  const state = await readFile(file);
  const to = connect(socket).end(state);
  // QEMU closes the connection once it has everything, and reports errors itself
  to.on('error', () => undefined).resume();
  await untilMoved(qmp, signal);
}

function untilMoved(qmp: Qmp, signal: AbortSignal): Promise<true> {
  const deadline = { ms: stateMs, what: 'The state of a template', signal };
  return until(deadline, 2, async () => {
    const { status, 'error-desc': why } = (await qmp.execute('query-migrate')) as {
      readonly status?: string;
      readonly 'error-desc'?: string;
    };
    if (status === 'failed')
      throw new FrostlineError(`QEMU cannot move its state: ${why ?? 'no reason given'}`, {
        code: 'machine',
      });
    return status === 'completed' ? true : undefined;
  });
}
