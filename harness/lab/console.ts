import { appendFile, open, rm, stat, truncate } from 'node:fs/promises';
import { setInterval as intervals } from 'node:timers/promises';
import { until, type Deadline } from '../base/deadline.ts';
import { inOneLine } from '../errors.ts';

/** At most the last `bytes` bytes of a log file; empty when it does not exist. */
export async function tail(path: string, bytes = 256 * 1024): Promise<string> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytes);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
}

/**
 * Moves the end of a console's output, at most 256 KiB, to the end of the log that is kept with the run. Never rejects:
 * losing a log is worth a warning, not a machine.
 */
export async function keepLog(from: string, log: string, onWarning: (text: string) => void): Promise<void> {
  try {
    const said = await tail(from);
    if (said !== '') await appendFile(log, said);
    await rm(from, { force: true });
  } catch (error) {
    onWarning(`The console log of a machine is lost: ${inOneLine(error)}`);
  }
}

/** For scale: a boot prints some 50 KiB. */
const boundedTo = { most: 16 * 2 ** 20, kept: 4 * 2 ** 20, everyMs: 1000 };

/** A log of bounded size. */
export interface BoundedLog extends Disposable {
  /** How many bytes have been cut out so far, and at which offset. */
  readonly cut: { readonly bytes: number; readonly at: number };
}

/**
 * Bounds a log that QEMU appends to, so that a guest that prints without end does not fill the host's disk. The size is
 * checked once a second; a log of more than 16 MiB is truncated to its first 4 MiB, where new output continues.
 * Disposing it stops the checks.
 */
export function boundLog(path: string, { most, kept, everyMs } = boundedTo): BoundedLog {
  const out = { bytes: 0, at: kept };
  const cut = async (): Promise<void> => {
    const size = await sizeOf(path);
    if (size <= most) return;
    await truncate(path, kept);
    out.bytes += size - kept;
    await appendFile(path, `\nfrostline: left out ${size - kept} bytes of a console without end\n`);
  };
  const end = new AbortController();
  // Checks run one after another: two at once would both find the log too long, and cut it twice.
  const look = async (): Promise<void> => {
    for await (const _ of intervals(everyMs, undefined, { signal: end.signal }))
      await cut().catch(() => undefined);
  };
  look().catch(() => undefined);
  return { cut: out, [Symbol.dispose]: () => end.abort() };
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? 0;

/** Of a window longer than twice this, only the first and the last this many bytes are read. */
const maxWindow = 512 * 1024;

/**
 * Marks the current end of a console's log; the function it returns reads what was printed since, even if the log was
 * cut or restarted in between. Neither rejects: a missing log reads as empty.
 */
export async function markConsole(
  path: string,
  log?: Pick<BoundedLog, 'cut'>,
): Promise<() => Promise<string>> {
  const mark = (log?.cut.bytes ?? 0) + (await sizeOf(path));
  return async () => {
    const size = await sizeOf(path);
    const { bytes, at } = log?.cut ?? { bytes: 0, at: 0 };
    const from = bytes === 0 || mark <= at ? mark : Math.max(at, mark - bytes);
    return readFrom(path, from > size ? 0 : from, size);
  };
}

async function readFrom(path: string, from: number, to: number): Promise<string> {
  const length = to - from;
  if (length <= 0) return '';
  try {
    await using file = await open(path, 'r');
    const part = async (at: number, bytes: number): Promise<string> =>
      (await file.read(Buffer.alloc(bytes), 0, bytes, at)).buffer.toString('utf8');
    if (length <= 2 * maxWindow) return await part(from, length);
    return `${await part(from, maxWindow)}\n${await part(to - maxWindow, maxWindow)}`;
  } catch {
    return '';
  }
}

/**
 * Waits until the log contains `marker`. Gives up early when the guest's start-up script prints
 * `frostline: cannot ...`, or when `giveUp` returns a reason. Rejects at the deadline.
 */
export async function waitForLine(
  deadline: Deadline,
  path: string,
  marker: string,
  giveUp: () => string | undefined,
): Promise<{ found: true } | { found: false; why: string }> {
  let seen = -1;
  return until(deadline, 15, async () => {
    const size = await sizeOf(path);
    const log = size === seen ? '' : await tail(path);
    seen = size;
    const cannot = /^frostline: cannot .*$/m.exec(log)?.[0];
    if (cannot === undefined && log.includes(marker)) return { found: true } as const;
    const why = cannot?.trim() ?? giveUp();
    return why === undefined ? undefined : ({ found: false, why } as const);
  });
}
