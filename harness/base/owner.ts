import { readFileSync, readlinkSync } from 'node:fs';

/** A process that owns something outside itself; `start` tells it from a later one with the same pid. */
export interface Owner {
  readonly pid: number;
  /** Start time in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). */
  readonly start: number;
  /** Where its pid means it, see `whereabouts`; undefined: here. */
  readonly where?: string | undefined;
}

/** The start time of a running process, or undefined when there is none (or only a zombie). */
export function processStart(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // comm may hold spaces and brackets: the fields begin behind the last bracket
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}

export const self = (): Owner & { readonly where: string } => ({
  ...{ pid: process.pid, start: processStart(process.pid) ?? 0, where: whereabouts() },
});

/** Whether it lives; one in another namespace of this boot cannot be seen, and is believed to. */
export function isAlive({ pid, start, where = whereabouts() }: Owner): boolean {
  const [boot, space] = whereabouts().split('.');
  if (where.split('.')[0] !== boot) return false;
  return where.split('.')[1] !== space || processStart(pid) === start;
}

/** Where a pid means the same: the boot of this host, and the namespace of its pids (pid_namespaces(7)). */
export function whereabouts(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
  return `${boot}.${readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')}`;
}
