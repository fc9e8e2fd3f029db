import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, sha256 } from '../../base/files.ts';
import { cacheDir } from '../../base/paths.ts';
import { findMirror } from './mirror.ts';
import { closure, download, openAptRoot, unpackAll } from './root.ts';

/** Abort signal, and callbacks for warnings and for the start of a download. */
export interface FetchOptions {
  readonly signal?: AbortSignal;
  readonly onWarning?: (text: string) => void;
  readonly onDownload?: (what: string) => void;
}

export interface ClosureRequest {
  readonly suite: string;
  readonly packages: readonly string[];
  /** Cache part and folder name prefix; the hash of the package list is appended. */
  readonly into: readonly [part: string, prefix: string];
  /** Human-readable name. */
  readonly what: string;
  /** Post-processes the folder with the unpacked packages. */
  readonly finish?: (dir: string) => Promise<void>;
  /** Whether a cached folder is still usable. */
  readonly isSound?: (dir: string) => Promise<boolean>;
}

/**
 * Unpacks packages of a suite and everything they depend on into one cache folder, named by the hash of the package
 * list. An existing folder is reused. Nothing is installed.
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
