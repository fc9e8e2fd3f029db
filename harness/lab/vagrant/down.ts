import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../../base/files.ts';
import { endAll, processesOf } from '../processes.ts';
import type { Account } from './account.ts';
import { Vagrant } from './command.ts';

/**
 * Takes a machine of vagrant down with everything in its folder: first by vagrant, so that providers clean up what they
 * keep elsewhere; then kills its remaining processes, such as a libvirtd that would wait for two minutes.
 */
export async function takeDown(account: Account, dir: string, machine: string): Promise<void> {
  try {
    // without that folder, vagrant has made nothing
    if (await stat(join(dir, '.vagrant')).catch(() => null))
      await new Vagrant(account, dir, machine).destroy().catch(() => undefined);
  } finally {
    await endAll(await processesOf(dir), machine);
    await removeTree(dir);
  }
}
