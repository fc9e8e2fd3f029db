import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { drafterOf, isAbandoned, isDraft } from '../base/draft.ts';
import { removeTree } from '../base/files.ts';
import { isAlive, type Owner } from '../base/owner.ts';
import { cacheDir, runtimeDir } from '../base/paths.ts';
import { endAll, processesBelow } from './processes.ts';
import { findAccount, vagrantBase } from './vagrant/account.ts';
import { takeDown } from './vagrant/down.ts';

/** A virtual machine, as known from its private folder (sockets, keys) and its processes. */
export interface MachineFolder {
  readonly dir: string;
  readonly run: string;
  readonly machine: string;
  /** Its controller; null when the folder does not say, or is gone. */
  readonly owner: Owner | null;
  /** Its processes, if any run. */
  readonly processes: readonly Owner[];
}

const ownerSchema = z.object({
  ...{ pid: z.int(), start: z.int(), where: z.string().optional() },
  ...{ run: z.string(), machine: z.string() },
});

/** This user's machines, of QEMU and of vagrant, from any session. */
export async function findMachines(): Promise<MachineFolder[]> {
  const found = await Promise.all([runtimeDir(), vagrantBase()].map(machinesIn));
  return found.flat();
}

async function machinesIn(base: string): Promise<MachineFolder[]> {
  const folders = (await readdir(base).catch(() => [])).filter((name) => name.startsWith('vm-'));
  const processes = await processesBelow(base);
  const dirs = new Set([...folders.map((name) => join(base, name)), ...processes.map(({ dir }) => dir)]);
  return Promise.all(
    [...dirs].sort().map(async (dir): Promise<MachineFolder> => {
      const { run = 'unknown', machine = 'unknown', ...owner } = (await ownerOf(dir)) ?? {};
      const own = processes.filter((one) => one.dir === dir);
      return { dir, run, machine, owner: 'pid' in owner ? owner : null, processes: own };
    }),
  );
}

const ownerOf = (dir: string): Promise<z.infer<typeof ownerSchema> | undefined> =>
  readFile(join(dir, 'owner.json'), 'utf8')
    .then((text) => ownerSchema.parse(JSON.parse(text)))
    .catch(() => undefined);

/** This user's machines whose controller is dead. */
export async function findLeftovers(): Promise<MachineFolder[]> {
  const machines = await findMachines();
  const isKept = async ({ owner, dir }: MachineFolder): Promise<boolean> =>
    owner === null ? isNew(dir) : isAlive(owner);
  const kept = await Promise.all(machines.map(isKept));
  return machines.filter((_, i) => kept[i] === false);
}

/** A folder without an owner may be one that is just being made. */
async function isNew(dir: string): Promise<boolean> {
  const made = (await stat(dir).catch(() => null))?.birthtimeMs ?? 0;
  return Date.now() - made < 60_000;
}

/** Kills the remaining processes of a machine and removes its folder; vagrant destroys a machine of its own. */
export async function reap({ dir, machine, processes }: MachineFolder): Promise<void> {
  await endAll(processes, machine);
  if (dir.startsWith(`${vagrantBase()}/`)) return takeDown(await findAccount(), dir, machine);
  return removeTree(dir);
}

/** Folders in the cache that are being filled, or that an interrupted download or build left incomplete. */
async function draftsInCache(): Promise<string[]> {
  const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
  const parts = [...(await names(cacheDir())).map((part) => cacheDir(part)), join(vagrantBase(), 'boot')];
  const found = await Promise.all(
    parts.map(async (part) => (await names(part)).filter(isDraft).map((name) => join(part, name))),
  );
  return found.flat().sort();
}

/** Drafts that nobody works on any more. */
export async function findDrafts(): Promise<string[]> {
  const drafts = await draftsInCache();
  const times = await Promise.all(drafts.map((path) => stat(path).catch(() => null)));
  return drafts.filter((path, i) => isAbandoned(basename(path), times[i]?.mtimeMs ?? Date.now()));
}

/** Pids of processes that use the cache now: they fill a folder of it, or their machines boot from it. */
export async function usersOfCache(): Promise<number[]> {
  const drafters = (await draftsInCache()).map((path) => drafterOf(basename(path)));
  const owners = (await findMachines()).map(({ owner }) => owner).filter((one) => one && isAlive(one));
  const pids = [...drafters, ...owners.map((owner) => owner?.pid)].filter((pid) => pid !== undefined);
  return [...new Set(pids)].sort((a, b) => a - b);
}
