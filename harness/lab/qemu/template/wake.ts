import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within, type Deadline } from '../../../base/deadline.ts';
import { FrostlineError } from '../../../errors.ts';
import type { MachineKeys } from '../../rootfs/keys.ts';

/** The socket of a machine's second serial line, in its folder. */
export const lineSocket = (dir: string): string => join(dir, 'line');

const wakeMs = 15_000;

const settleMs = 30_000;

/** Has PID 1 let the guest settle, and then wait on its serial line. Rejects with any other answer. */
export async function settle(dir: string, signal: AbortSignal): Promise<void> {
  const answer = await ask(dir, ['settle=1'], { ms: settleMs, what: 'A template to settle', signal });
  if (answer !== 'asleep')
    throw new FrostlineError(`A template did not settle: ${answer}`, { code: 'machine' });
}

/**
 * Gives a clone its own identity (harness/guest/wake.c): 512 bits for its random numbers, the time, its SSH keys.
 * Resolves to the boot id that its kernel then generated. Rejects with what the guest could not do.
 */
export async function wake(dir: string, keys: MachineKeys, signal: AbortSignal): Promise<string> {
  const words = [
    `seed=${randomBytes(64).toString('hex')}`,
    `host=${keys.hostPrivate.toString('hex')}`,
    `client=${keys.clientPublic}`,
    // last, since the clock runs on while the rest is read
    `now=${Date.now() * 1000}`,
  ];
  const answer = await ask(dir, words, { ms: wakeMs, what: 'A clone to wake', signal });
  const boot = /^awake (\S+)$/.exec(answer)?.[1];
  if (boot !== undefined) return boot;
  throw new FrostlineError(`A clone did not wake: ${answer}`, { code: 'machine' });
}

/** Sends lines, ended by an empty one, and waits for one line. */
async function ask(dir: string, words: readonly string[], deadline: Deadline): Promise<string> {
  const socket = connect(lineSocket(dir));
  const said = new Promise<string>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('its line was closed')));
    createInterface({ input: socket }).once('line', resolve).on('error', reject);
  });
  try {
    socket.write([...words, '\n'].join('\n'));
    return await within(deadline, said);
  } finally {
    socket.destroy();
  }
}
