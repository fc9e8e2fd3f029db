import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { until } from '../base/deadline.ts';
import { isAlive, processStart } from '../base/owner.ts';
import { cacheDir, runtimeDir } from '../base/paths.ts';

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

/** Processes that name a path in their arguments: QEMU's monitor socket is in its machine's folder. */
async function processesNaming(path: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const naming = await Promise.all(
    pids.map(async (pid) => {
      const cmdline = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      return pid !== process.pid && cmdline.includes(`${path}/`) && cmdline.includes('frostline-');
    }),
  );
  return pids.filter((_, i) => naming[i]);
}

/** Machines of this user whose controller no longer lives. */
export async function findLeftovers(): Promise<Leftover[]> {
  const base = runtimeDir();
  const found: Leftover[] = [];
  for (const name of (await readdir(base)).filter((entry) => entry.startsWith('vm-')).sort()) {
    const dir = join(base, name);
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

/** A folder without an owner may be one that is just being made. */
async function isNew(dir: string): Promise<boolean> {
  const made = (await stat(dir).catch(() => null))?.birthtimeMs ?? 0;
  return Date.now() - made < 60_000;
}

/** Kills what is left of a machine and removes its folder. */
export async function reap({ dir, machine, pids }: Leftover): Promise<void> {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
    const gone = (): true | undefined => (processStart(pid) === undefined ? true : undefined);
    await until({ ms: 5000, what: `${machine}: process ${pid} to end` }, 20, gone);
  }
  await rm(dir, { recursive: true, force: true });
}

/** Folders in the cache that an interrupted download or build left half made. */
export async function findDrafts(): Promise<string[]> {
  const drafts: string[] = [];
  for (const part of ['apt', 'kernels', 'roots', 'qemu', 'frostbite']) {
    const names = await readdir(cacheDir(part)).catch(() => []);
    drafts.push(...names.filter((name) => name.startsWith('.draft-')).map((name) => cacheDir(part, name)));
  }
  return drafts;
}
