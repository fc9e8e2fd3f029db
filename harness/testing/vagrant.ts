import { readdir } from 'node:fs/promises';
import { processesBelow } from '../lab/processes.ts';
import { vagrantBase } from '../lab/vagrant/account.ts';

/** Folders of vagrant's machines, and processes that name any of them: what any run has left, or has now. */
export async function leftOfVagrant(): Promise<{ folders: string[]; processes: number[] }> {
  const folders = (await readdir(vagrantBase())).filter((name) => name.startsWith('vm-'));
  return { folders, processes: (await processesBelow(vagrantBase())).map(({ pid }) => pid) };
}
