import { rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { cacheDir } from '../base/paths.ts';
import { findDrafts, findLeftovers, reap } from '../lab/reap.ts';
import type { Io } from './io.ts';

/** `frostline clean`: takes down what dead runs left: machines, their folders, half-made cache entries. */
export function register(program: Command, io: Io): void {
  program
    .command('clean')
    .description('remove what interrupted runs left behind: machines, sockets, half-made downloads')
    .option('--dry-run', 'only say what would be removed')
    .option('--cache', `remove the cache too: packages, kernels, QEMU (${cacheDir()})`)
    .action(async ({ dryRun = false, cache = false }: { dryRun?: boolean; cache?: boolean }) => {
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
    });
}
