import { readdir } from 'node:fs/promises';
import { processesBelow } from '../lab/processes.ts';
import { vagrantBase } from '../lab/vagrant/account.ts';

/** Folders of vagrant's machines, and processes that name one of them: leftovers as well as those of live runs. */
export async function leftOfVagrant(): Promise<{ folders: string[]; processes: number[] }> {
  const folders = (await readdir(vagrantBase())).filter((name) => name.startsWith('vm-'));
  return { folders, processes: (await processesBelow(vagrantBase())).map(({ pid }) => pid) };
}
