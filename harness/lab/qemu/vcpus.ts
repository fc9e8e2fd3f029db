import { readFile } from 'node:fs/promises';
import type { VcpuTime } from '../machine.ts';
import type { Qmp } from './qmp.ts';

const tickMs = 10;

/** The ids of QEMU's vCPU threads; with `thread=single` one runs all vCPUs. Rejects when QEMU does not answer. */
export async function vcpuThreads(qmp: Qmp): Promise<number[]> {
  const told = (await qmp.execute('query-cpus-fast')) as readonly { readonly 'thread-id': number }[];
  return [...new Set(told.map((one) => one['thread-id']))];
}

/**
 * CPU time of these threads of a process so far; null when it cannot be read. /proc/PID/task/TID/schedstat has both
 * times in nanoseconds (Documentation/scheduler/sched-stats.rst); stat has only the first, in ticks.
 */
export async function readVcpus(
  pid: number,
  threads: readonly number[],
  proc = '/proc',
): Promise<readonly VcpuTime[] | null> {
  const times = await Promise.all(threads.map((thread) => readThread(`${proc}/${pid}/task/${thread}`)));
  return times.length > 0 && times.every((time) => time !== null) ? times : null;
}

async function readThread(dir: string): Promise<VcpuTime | null> {
  const read = (name: string): Promise<string> => readFile(`${dir}/${name}`, 'utf8').catch(() => '');
  const [ran, waited] = (await read('schedstat')).trim().split(' ').map(Number);
  if (ran !== undefined && waited !== undefined) return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
  // "12 (comm) S ..." has utime and stime as its fields 14 and 15
  const fields = (await read('stat')).replace(/^.*\) /s, '').split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? { ranMs: ticks * tickMs, waitedMs: null } : null;
}
