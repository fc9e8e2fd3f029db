import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../base/command.ts';
import { removeTree } from '../../base/files.ts';
import { FrostlineError } from '../../errors.ts';
import { base as hostBase, presence } from '../host-scripts.ts';

const cleanMs = 120_000;

/**
 * Folders of dead machines that were this host itself, from the drivers `local` and `ssh`. Each contains a frostbite
 * that can clean up after its own version. Folders that do not belong to this user are ignored.
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

/** Whether the folder's machine is alive: its lock is held. */
async function isAlive(folder: string): Promise<boolean> {
  const lock = join(folder, presence);
  if ((await lstat(lock).catch(() => null)) === null) return false;
  return (await capture(['flock', '--nonblock', lock, 'true'])).code === 1;
}

/**
 * Has a leftover's own frostbite restore settings, and thaw, kill and remove what is left; then removes its folder. If
 * another run is at work on this host, it has done that already, before it started. Resolves to what frostbite reports.
 * Rejects ('machine') when it fails; the folder is then kept, because of what is in it.
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
