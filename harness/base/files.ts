import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { command } from './command.ts';
import { draftName } from './draft.ts';

/**
 * Creates a folder atomically: `fill` gets a new folder beside it, named after its owner, which is then renamed.
 * If another process was faster, its folder stays and ours is removed.
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
 * Writes a file atomically into a folder that another user may also write to. Replaces whatever has its name, and does
 * not follow a link planted there.
 */
export async function placeFile(path: string, content: string | Buffer): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}-${randomBytes(8).toString('hex')}`);
  await writeFile(draft, content, { flag: 'wx' });
  await rename(draft, path);
}

/**
 * Removes a folder and its contents, but nothing that is mounted in it. Removes nothing elsewhere, even if another user
 * replaces a folder by a link meanwhile (a race in which Node's own rm would follow the link).
 */
export async function removeTree(path: string): Promise<void> {
  await command(['rm', '-rf', '--one-file-system', '--', path]);
}

const unusedMs = 14 * 24 * 3600 * 1000;

/**
 * Removes entries of a cache folder that have not been used for two weeks, judged by the mtime of the file that
 * `stampOf` returns for an entry; an entry for which it returns undefined is kept.
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

/** Like `sha256File`; rejects when the signal aborts. */
export async function hashFile(path: string, until: { readonly signal?: AbortSignal }): Promise<string> {
  const hash = createHash('sha256');
  // four times as fast as with chunks of 64 KiB
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash, until);
  return hash.digest('hex');
}

/** SHA-256 of strings, in hex; a NUL terminates each, so that their boundaries matter. */
export function sha256(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}
