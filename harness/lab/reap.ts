import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive } from '../base/owner.ts';
import { cacheDir, runtimeDir } from '../base/paths.ts';
import { endAll, processesNaming } from './processes.ts';
import { findAccount, vagrantBase } from './vagrant/account.ts';
import { takeDown } from './vagrant/down.ts';

/** A virtual machine whose controller is gone: what is left of it. */
export interface Leftover {
  /** Its private folder (sockets, keys). */
  readonly dir: string;
  readonly run: string;
  readonly machine: string;
  /** Its processes, if any still run. */
  readonly pids: readonly number[];
}

const ownerSchema = z.object({ pid: z.int(), start: z.int(), run: z.string(), machine: z.string() });

/** Machines of this user whose controller no longer lives. */
export async function findLeftovers(): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const dir of await machineFolders()) {
    const owner = ownerSchema.safeParse(
      await readFile(join(dir, 'owner.json'), 'utf8')
        .then(JSON.parse)
        .catch(() => undefined),
    );
    if (owner.success ? isAlive(owner.data) : await isNew(dir)) continue;
    const { run = 'unknown', machine = 'unknown' } = owner.data ?? {};
    found.push({ dir, run, machine, pids: await processesNaming(dir) });
  }
  return found;
}

/** Folders of machines: QEMU's, and vagrant's. */
async function machineFolders(): Promise<string[]> {
  const bases = await Promise.all(
    [runtimeDir(), vagrantBase()].map(async (base) => {
      const names = await readdir(base).catch(() => []);
      return names.filter((name) => name.startsWith('vm-')).map((name) => join(base, name));
    }),
  );
  return bases.flat().sort();
}

/** A folder without an owner may be one that is just being made. */
async function isNew(dir: string): Promise<boolean> {
  const made = (await stat(dir).catch(() => null))?.birthtimeMs ?? 0;
  return Date.now() - made < 60_000;
}

/** Kills what is left of a machine and removes its folder; one of vagrant's is destroyed by vagrant. */
export async function reap({ dir, machine, pids }: Leftover): Promise<void> {
  await endAll(pids, machine);
  if (dir.startsWith(`${vagrantBase()}/`)) return takeDown(await findAccount(), dir, machine);
  return rm(dir, { recursive: true, force: true });
}

/** Folders in the cache that an interrupted download or build left half made. */
export async function findDrafts(): Promise<string[]> {
  const drafts: string[] = [];
  for (const part of ['apt', 'kernels', 'roots', 'qemu', 'frostbite', 'boxes', 'images', 'templates']) {
    const names = await readdir(cacheDir(part)).catch(() => []);
    drafts.push(...names.filter((name) => name.startsWith('.draft-')).map((name) => cacheDir(part, name)));
  }
  return drafts;
}
