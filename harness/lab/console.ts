import { appendFile, open, rm, stat, truncate } from 'node:fs/promises';
import { setInterval as intervals } from 'node:timers/promises';
import { until, type Deadline } from '../base/deadline.ts';
import { inOneLine } from '../errors.ts';
import type { ConsoleFact } from './machine.ts';

/** Kernel messages that say something went wrong, most telling first (kernel/panic.c, watchdog.c, hung_task.c). */
const patterns: readonly (readonly [ConsoleFact['kind'], RegExp])[] = [
  ['panic', /Kernel panic - not syncing/],
  ['lockup', /BUG: soft lockup|[Hh]ard LOCKUP|hard lockup/],
  ['oops', /\bOops:|kernel BUG at|BUG: (?:unable to handle|kernel NULL)|general protection fault/],
  ['rcu-stall', /rcu.*(?:self-)?detected (?:expedited )?stall/],
  ['hung-task', /INFO: task .* blocked (?:in I\/O wait )?for more than/],
  ['oom', /Out of memory: Kill|oom-kill:/],
  ['warning', /WARNING: (?:CPU|possible)/],
];

/** The facts in a console log, in the order they were printed; at most 50, each line cut at 300 characters. */
export function readFacts(log: string): ConsoleFact[] {
  const facts: ConsoleFact[] = [];
  for (const line of log.split('\n')) {
    const kind = patterns.find(([, pattern]) => pattern.test(line))?.[0];
    if (kind !== undefined) facts.push({ kind, line: line.trim().slice(0, 300) });
    if (facts.length === 50) break;
  }
  return facts;
}

/** The end of a log file, at most `bytes` of it; empty when it is not there. */
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
 * Moves what a console has said to the end of the log that is kept with the run. Does not reject: a log that is lost is
 * told, and no reason to lose a machine.
 */
export async function keepLog(from: string, log: string, onWarning: (text: string) => void): Promise<void> {
  try {
    const said = await tail(from);
    if (said !== '') await appendFile(log, said);
    await rm(from, { force: true });
  } catch (error) {
    onWarning(`What a machine said on its console is lost: ${inOneLine(error)}`);
  }
}

/** A boot prints some 50 KiB. */
const boundedTo = { most: 16 * 2 ** 20, kept: 4 * 2 ** 20, everyMs: 1000 };

/**
 * Bounds a log that QEMU appends to, so that a guest that prints without end does not fill the host's disk: looked at
 * once a second, one of more than 16 MiB is cut back to its first 4 MiB, and what comes after follows there. Disposing
 * ends it.
 */
export function boundLog(path: string, { most, kept, everyMs } = boundedTo): Disposable {
  const cut = async (): Promise<void> => {
    const size = (await stat(path).catch(() => null))?.size ?? 0;
    if (size <= most) return;
    await truncate(path, kept);
    await appendFile(path, `\nfrostline: left out ${size - kept} bytes of a console without end\n`);
  };
  const end = new AbortController();
  // One look after the other: two at once would both find it too long, and cut it twice.
  const look = async (): Promise<void> => {
    for await (const _ of intervals(everyMs, undefined, { signal: end.signal }))
      await cut().catch(() => undefined);
  };
  look().catch(() => undefined);
  return { [Symbol.dispose]: () => end.abort() };
}

/**
 * Waits until the log holds `marker`; gives up early with what the guest's start-up script says it cannot do,
 * or with what `giveUp` says. Rejects at the deadline.
 */
export async function waitForLine(
  deadline: Deadline,
  path: string,
  marker: string,
  giveUp: () => string | undefined,
): Promise<{ found: true } | { found: false; why: string }> {
  let seen = -1;
  return until(deadline, 15, async () => {
    const size = (await stat(path).catch(() => null))?.size ?? 0;
    const log = size === seen ? '' : await tail(path);
    seen = size;
    const cannot = /^frostline: cannot .*$/m.exec(log)?.[0];
    if (cannot === undefined && log.includes(marker)) return { found: true } as const;
    const why = cannot?.trim() ?? giveUp();
    return why === undefined ? undefined : ({ found: false, why } as const);
  });
}
