import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../../base/files.ts';
import { endAll, processesOf } from '../processes.ts';
import type { Account } from './account.ts';
import { Vagrant } from './command.ts';

/**
 * Takes a machine of vagrant down with everything in its folder: by vagrant, so that providers that keep something
 * elsewhere are told, then whatever process of it is left, a libvirtd that would wait two minutes among them.
 */
export async function takeDown(account: Account, dir: string, machine: string): Promise<void> {
  try {
    // without one vagrant has made nothing
    if (await stat(join(dir, '.vagrant')).catch(() => null))
      await new Vagrant(account, dir, machine).destroy().catch(() => undefined);
  } finally {
    await endAll(await processesOf(dir), machine);
    await removeTree(dir);
  }
}
