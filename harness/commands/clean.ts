import { removeTree } from '../base/files.ts';
import { cacheDir } from '../base/paths.ts';
import { findHostLeftovers, restoreHost } from '../lab/local/restore.ts';
import { findDrafts, findLeftovers, reap, usersOfCache } from '../lab/reap.ts';
import type { Io } from './io.ts';

export interface CleanOptions {
  readonly dryRun?: boolean;
  readonly cache?: boolean;
}

/**
 * `frostline clean`: removes what dead runs left behind: machines, their folders, incomplete cache entries, and changes
 * that trials made to this host itself. Keeps the cache as a whole, and exits with 69, while a process uses it.
 */
export async function clean({ dryRun = false, cache = false }: CleanOptions, io: Io): Promise<void> {
  const verb = dryRun ? 'would remove' : 'removed';
  const left = await findLeftovers();
  for (const one of left) {
    if (!dryRun) await reap(one);
    const pids = one.processes.map(({ pid }) => pid);
    const processes = pids.length === 0 ? 'no process' : `process ${pids.join(', ')}`;
    io.stdout.write(`${verb} machine ${one.machine} of ${one.run}: ${one.dir}, ${processes}\n`);
  }
  const users = cache ? await usersOfCache() : [];
  const folders = [...(await findDrafts()), ...(cache && users.length === 0 ? [cacheDir()] : [])];
  for (const folder of folders) {
    if (!dryRun) await removeTree(folder);
    io.stdout.write(`${verb} ${folder}\n`);
  }
  const host = await findHostLeftovers();
  for (const folder of host) {
    const said = dryRun ? '' : `: ${await restoreHost(folder)}`;
    io.stdout.write(`${verb} ${folder}, with what its trials changed of this host${said}\n`);
  }
  if (left.length + folders.length + users.length + host.length === 0) io.stdout.write('nothing to clean\n');
  if (users.length > 0) {
    io.stdout.write(`kept ${cacheDir()}: process ${users.join(', ')} uses it\n`);
    io.setExitCode(69);
  }
}
