import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { command } from './command.ts';
import { draftName } from './draft.ts';

/**
 * Makes a folder appear whole or not at all: `fill` gets a new folder beside it, which is then renamed; its name says
 * whose it is.
 * When another process was faster, its folder stays and ours goes.
 */
export async function makeFolder(path: string, fill: (dir: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = join(dirname(path), draftName());
  await mkdir(draft);
  try {
    await fill(draft);
    await rename(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Writes a file into a folder that another user may write to as well: whole, in place of what has its name, and through
 * no link that was put there.
 */
export async function placeFile(path: string, content: string | Buffer): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}-${randomBytes(8).toString('hex')}`);
  await writeFile(draft, content, { flag: 'wx' });
  await rename(draft, path);
}

/**
 * Removes a folder with all in it. Not what is mounted there, which is somebody else's; and nothing elsewhere, even if
 * another user puts a link in the place of a folder meanwhile, which Node's own rm would follow.
 */
export async function removeTree(path: string): Promise<void> {
  await command(['rm', '-rf', '--one-file-system', '--', path]);
}

const unusedMs = 14 * 24 * 3600 * 1000;

/**
 * Removes from a folder of the cache what nobody has used for two weeks, by the time of the file that `stampOf` names for
 * an entry; undefined: it is not asked about.
 */
export async function removeUnused(
  folder: string,
  stampOf: (entry: string) => string | undefined,
): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const stamp = stampOf(name);
    const used = stamp === undefined ? null : await stat(stamp).catch(() => null);
    if (used !== null && Date.now() - used.mtimeMs > unusedMs)
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** SHA-256 of a file, in hex. */
export const sha256File = (path: string): Promise<string> => hashFile(path, {});

/** As `sha256File`, until the signal aborts: it then rejects. */
export async function hashFile(path: string, until: { readonly signal?: AbortSignal }): Promise<string> {
  const hash = createHash('sha256');
  // four times as fast as in pieces of 64 KiB
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash, until);
  return hash.digest('hex');
}

/** SHA-256 of strings, in hex; each is told apart from its neighbours by a NUL. */
export function sha256(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}
