import { readdir, readFile } from 'node:fs/promises';
import { until } from '../base/deadline.ts';
import { processStart } from '../base/owner.ts';

/**
 * Processes that name a machine's folder in their arguments, as QEMU does its monitor socket, or in their
 * environment, as everything does that vagrant starts in it.
 */
export async function processesNaming(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const naming = await Promise.all(
    pids.map(async (pid) => {
      const read = (file: string): Promise<string> =>
        readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '');
      return pid !== process.pid && `${await read('cmdline')}${await read('environ')}`.includes(`${dir}/`);
    }),
  );
  return pids.filter((_, i) => naming[i]);
}

/** Kills processes of a machine and waits until they are gone. */
export async function endAll(pids: readonly number[], machine: string): Promise<void> {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
    const gone = (): true | undefined => (processStart(pid) === undefined ? true : undefined);
    await until({ ms: 5000, what: `${machine}: process ${pid} to end` }, 20, gone);
  }
}
