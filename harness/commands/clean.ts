import { rm } from 'node:fs/promises';
import { cacheDir } from '../base/paths.ts';
import { findDrafts, findLeftovers, reap } from '../lab/reap.ts';
import type { Io } from './io.ts';

export interface CleanOptions {
  readonly dryRun?: boolean;
  readonly cache?: boolean;
}

/** `frostline clean`: takes down what dead runs left: machines, their folders, half-made cache entries. */
export async function clean({ dryRun = false, cache = false }: CleanOptions, io: Io): Promise<void> {
  const verb = dryRun ? 'would remove' : 'removed';
  const left = await findLeftovers();
  for (const one of left) {
    if (!dryRun) await reap(one);
    const processes = one.pids.length === 0 ? 'no process' : `process ${one.pids.join(', ')}`;
    io.stdout.write(`${verb} machine ${one.machine} of ${one.run}: ${one.dir}, ${processes}\n`);
  }
  const folders = [...(await findDrafts()), ...(cache ? [cacheDir()] : [])];
  for (const folder of folders) {
    if (!dryRun) await rm(folder, { recursive: true, force: true });
    io.stdout.write(`${verb} ${folder}\n`);
  }
  if (left.length + folders.length === 0) io.stdout.write('nothing to clean\n');
}
