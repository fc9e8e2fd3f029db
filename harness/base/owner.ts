import { readFileSync } from 'node:fs';

/** A process that owns something outside itself; `start` tells it from a later one with the same pid. */
export interface Owner {
  readonly pid: number;
  /** Start time in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). */
  readonly start: number;
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

export const self = (): Owner => ({ pid: process.pid, start: processStart(process.pid) ?? 0 });

export const isAlive = (owner: Owner): boolean => processStart(owner.pid) === owner.start;
