import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../base/command.ts';
import { removeTree } from '../../base/files.ts';
import { FrostlineError } from '../../errors.ts';
import { base as hostBase, presence } from '../host-scripts.ts';

const cleanMs = 120_000;

/**
 * Folders of dead machines that were this host itself, by `local` or `ssh`: each has a frostbite that can clean up after
 * its own kind. None where this user could not have made them.
 */
export async function findHostLeftovers(base = hostBase): Promise<string[]> {
  const names = await readdir(base).catch(() => []);
  const paths = names.filter((name) => name.startsWith('host-')).map((name) => join(base, name));
  const isLeft = await Promise.all(paths.map(async (path) => (await isOwn(path)) && !(await isAlive(path))));
  return paths.filter((_, i) => isLeft[i]).sort();
}

async function isOwn(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(() => null);
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
}

/** Whether its machine lives: a lock in it is held. */
async function isAlive(folder: string): Promise<boolean> {
  const lock = join(folder, presence);
  if ((await lstat(lock).catch(() => null)) === null) return false;
  return (await capture(['flock', '--nonblock', lock, 'true'])).code === 1;
}

/**
 * Has a leftover's own frostbite write settings back, and thaw, kill and remove what is left; then removes its folder.
 * Where another run is at work on this host that has been done, by it and before it began. Resolves to what frostbite
 * says of it. Rejects ('machine') when it fails: the folder stays then, for what is in it.
 */
export async function restoreHost(folder: string): Promise<string> {
  const { code, stdout, stderr } = await capture([join(folder, 'enter'), 'clean'], { timeoutMs: cleanMs });
  if (code !== 0)
    throw new FrostlineError(`${folder}/enter clean ended with ${code}: ${(stderr || stdout).trim()}`, {
      code: 'machine',
      todo: 'Run it as root; what it cannot end goes with a reboot of this host.',
    });
  await removeTree(folder);
  return stdout.trim();
}
