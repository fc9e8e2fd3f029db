import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '../base/files.ts';
import { isAlive, self } from '../base/owner.ts';
import { inTurn } from '../base/turn.ts';
import { FrostlineError } from '../errors.ts';

/** The writer of a run: a process on a host, within one boot of it (/proc/sys/kernel/random/boot_id). */
const holderSchema = z.object({ pid: z.int(), start: z.number(), host: z.string(), boot: z.string() });
type Holder = z.infer<typeof holderSchema>;

function me(): Holder {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { ...self(), host: hostname(), boot };
}

/**
 * Takes the lock of a run folder, so that two controllers never write to the same run; takes over the lock of a dead
 * process. Rejects with a 'results' error that names the holder, or says why the folder cannot be written. Disposing
 * releases it.
 */
export async function lockRun(dir: string): Promise<AsyncDisposable> {
  const path = join(dir, 'lock');
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  const text = JSON.stringify(me());
  const turn = sha256(await realpath(dir));
  // link(2) gives a complete file its name, and fails when the name exists
  try {
    await writeFile(draft, text, { flush: true });
    while (!(await tryLink(draft, path))) await inTurn(turn, () => removeStale(dir, path));
  } catch (error) {
    throw error instanceof FrostlineError ? error : unwritable(dir, error);
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
  return {
    async [Symbol.asyncDispose]() {
      if ((await readText(path)) === text) await rm(path, { force: true });
    },
  };
}

/** Whether a live process writes to a run (or one on another host, which cannot be checked from here). */
export async function isLocked(dir: string): Promise<boolean> {
  const text = await readText(join(dir, 'lock'));
  return text !== undefined && liveHolder(text) !== undefined;
}

/**
 * Serialises takeovers: otherwise a lock seen as stale could be another process's new lock by the time it is removed.
 */
async function removeStale(dir: string, path: string): Promise<void> {
  const text = await readText(path);
  if (text === undefined) return;
  const holder = liveHolder(text);
  if (holder !== undefined) throw held(dir, holder);
  await rm(path, { force: true });
}

/** The holder, unless it is certainly dead; an unreadable lock was torn by a crash. */
function liveHolder(text: string): Holder | undefined {
  let holder: Holder;
  try {
    holder = holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { host, boot } = me();
  if (holder.host !== host) return holder;
  return holder.boot === boot && isAlive(holder) ? holder : undefined;
}

function held(dir: string, { pid, host }: Holder): FrostlineError {
  const here = host === hostname();
  return new FrostlineError(`${dir} is being written by process ${pid}${here ? '' : ` on host ${host}`}`, {
    code: 'results',
    todo: here
      ? 'Wait for it to end, or stop it.'
      : `Wait for it to end; when that process is gone for sure, remove ${join(dir, 'lock')}.`,
  });
}

function unwritable(dir: string, error: unknown): FrostlineError {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return new FrostlineError(`${dir} cannot be locked for writing (${code})`, {
    code: 'results',
    todo: 'What is in it stays readable. Make it writable or make room, then try again.',
    cause: error,
  });
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
