import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../base/command.ts';
import { FrostlineError } from '../../errors.ts';

/** Where machines of the drivers `local` and `ssh` have their folders on the host that they are. */
const hostBase = '/var/lib/frostline';
const cleanMs = 120_000;

/** What is left of machines that were this host itself, and what to do about it. */
export interface HostLeftovers {
  /** Their folders, each with a frostbite that can clean up after its own kind. */
  readonly folders: readonly string[];
  /** A run is at work on this host: they may be its own, and are left alone. */
  readonly busy: boolean;
}

/** Finds what dead runs left on this host; nothing where this user could not have made it. */
export async function findHostLeftovers(base = hostBase): Promise<HostLeftovers> {
  const names = await readdir(base).catch(() => []);
  const paths = names.filter((name) => name.startsWith('host-')).map((name) => join(base, name));
  const own = await Promise.all(paths.map(isOwn));
  const folders = paths.filter((_, i) => own[i]).sort();
  if (folders.length === 0) return { folders, busy: false };
  const { code } = await capture(['flock', '--nonblock', join(base, 'lock'), 'true']);
  return { folders, busy: code === 1 };
}

async function isOwn(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(() => null);
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
}

/**
 * Has a leftover's own frostbite write settings back, and thaw, kill and remove what is left; then removes its folder.
 * Resolves to what frostbite says of it. Rejects ('machine') when it fails: the folder stays then, for what is in it.
 */
export async function restoreHost(folder: string): Promise<string> {
  const { code, stdout, stderr } = await capture([join(folder, 'enter'), 'clean'], { timeoutMs: cleanMs });
  if (code !== 0)
    throw new FrostlineError(`${folder}/enter clean ended with ${code}: ${(stderr || stdout).trim()}`, {
      code: 'machine',
      todo: 'Run it as root; what it cannot end goes with a reboot of this host.',
    });
  await rm(folder, { recursive: true, force: true });
  return stdout.trim();
}
