import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { until } from '../base/deadline.ts';
import { isAlive, processStart, type Owner } from '../base/owner.ts';

/** A process of a machine, with the machine's private folder. */
export interface MachineProcess extends Owner {
  readonly dir: string;
}

/** Environment variable with a machine's folder, set for QEMU and for everything that vagrant starts in the folder. */
export const machineVariable = 'FROSTLINE_MACHINE';
/** QEMU under libvirt does not get that variable, but it does get the others that vagrant was given. */
const names = new RegExp(`^(?:${machineVariable}|HOME|XDG_[A-Z_]+)=`);

/** Processes of the machines below `base`. One that merely has a file there open, such as an editor, does not count. */
export async function processesBelow(base: string): Promise<MachineProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid): Promise<MachineProcess[]> => {
      const start = processStart(pid);
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const name = machineIn(environ, base);
      return start === undefined || name === undefined ? [] : [{ pid, start, dir: join(base, name) }];
    }),
  );
  return found.flat();
}

function machineIn(environ: string, base: string): string | undefined {
  const values = environ.split('\0').flatMap((one) => (names.test(one) ? [one.replace(names, '')] : []));
  const inside = values.find((value) => value.startsWith(`${base}/vm-`));
  return inside?.slice(base.length + 1).split('/')[0];
}

/** Processes of one machine. */
export const processesOf = async (dir: string): Promise<MachineProcess[]> =>
  (await processesBelow(dirname(dir))).filter((one) => one.dir === dir);

/** Kills processes of a machine and waits until they are gone; a later process that reuses a pid is left alone. */
export async function endAll(processes: readonly Owner[], machine: string): Promise<void> {
  for (const one of processes) {
    const gone = (): true | undefined => (isAlive(one) ? undefined : true);
    if (gone()) continue;
    try {
      process.kill(one.pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
    await until({ ms: 5000, what: `${machine}: process ${one.pid} to end` }, 20, gone);
  }
}
