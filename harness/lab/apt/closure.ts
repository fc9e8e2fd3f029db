import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, sha256 } from '../../base/files.ts';
import { cacheDir } from '../../base/paths.ts';
import { findMirror } from './mirror.ts';
import { closure, download, openAptRoot, unpackAll } from './root.ts';

/** What somebody who waits for a download wants to hear, and the signal that ends it. */
export interface FetchOptions {
  readonly signal?: AbortSignal;
  readonly onWarning?: (text: string) => void;
  readonly onDownload?: (what: string) => void;
}

export interface ClosureRequest {
  readonly suite: string;
  readonly packages: readonly string[];
  /** The beginning of the folder's path in the cache; the hash of the package list follows. */
  readonly into: readonly [part: string, prefix: string];
  /** What to call it to people. */
  readonly what: string;
  /** Makes something else of the folder with the unpacked packages. */
  readonly finish?: (dir: string) => Promise<void>;
  /** Whether a folder made before can still be used. */
  readonly isSound?: (dir: string) => Promise<boolean>;
}

/**
 * Packages of a suite with all they depend on, unpacked into one folder of the cache, named by the hash
 * of the list of packages; from the cache when that was done before. Nothing is installed.
 */
export async function unpackClosure(request: ClosureRequest, options: FetchOptions = {}): Promise<string> {
  const { suite, packages, what, isSound } = request;
  const root = await openAptRoot({ suite, mirror: await findMirror(), ...options });
  const list = await closure(root, packages);
  const [part, prefix] = request.into;
  const dir = cacheDir(part, `${prefix}${sha256(...list).slice(0, 16)}`);
  const there = await readFile(join(dir, 'packages')).catch(() => null);
  if (there !== null && (isSound === undefined || (await isSound(dir)))) return dir;
  options.onDownload?.(`${what} (${list.length} packages of Debian ${suite})`);
  await rm(dir, { recursive: true, force: true });
  await makeFolder(dir, async (draft) => {
    await mkdir(join(draft, 'debs'));
    await download(root, list, join(draft, 'debs'));
    await unpackAll(join(draft, 'debs'), draft);
    await rm(join(draft, 'debs'), { recursive: true });
    await request.finish?.(draft);
    await writeFile(join(draft, 'packages'), list.join('\n'));
  });
  return dir;
}
