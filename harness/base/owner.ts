import { readFileSync, readlinkSync } from 'node:fs';

/** A process that owns something outside itself; `start` distinguishes it from a later one with the same pid. */
export interface Owner {
  readonly pid: number;
  /** Start time in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). */
  readonly start: number;
  /** The boot and pid namespace in which `pid` is valid, see `whereabouts`; undefined: this process's own. */
  readonly where?: string | undefined;
}

/** The start time of a running process (see `Owner`); undefined if there is none, or only a zombie. */
export function processStart(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // comm may contain spaces and parentheses: the fields begin after the last parenthesis
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}

export const self = (): Owner & { readonly where: string } => ({
  ...{ pid: process.pid, start: processStart(process.pid) ?? 0, where: whereabouts() },
});

/** Whether the process is alive. One in another pid namespace of this boot is not visible, and presumed alive. */
export function isAlive({ pid, start, where = whereabouts() }: Owner): boolean {
  const [boot, space] = whereabouts().split('.');
  if (where.split('.')[0] !== boot) return false;
  return where.split('.')[1] !== space || processStart(pid) === start;
}

/** The scope in which a pid is unambiguous, `BOOT.NAMESPACE`: boot and pid namespace (pid_namespaces(7)). */
export function whereabouts(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
  return `${boot}.${readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')}`;
}
