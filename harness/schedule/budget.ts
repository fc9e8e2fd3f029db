import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Memory available without swapping, MiB: MemAvailable of /proc/meminfo. */
export function availableMiB(meminfo = readFileSync('/proc/meminfo', 'utf8')): number {
  return Math.floor(Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) / 1024);
}

/** The share of the available memory that machines may use. */
const share = 0.8;
/** Machines per core: most are waiting for a deadline, or paused until it is their turn for a core. */
const perCore = 8;

/** How many machines of `memoryMiB` each to run at once on this host: what cores and memory allow, at least one. */
export function jobsFor(memoryMiB: number): number {
  const byMemory = memoryMiB === 0 ? Infinity : Math.floor((availableMiB() * share) / memoryMiB);
  return Math.max(1, Math.min(availableParallelism() * perCore, byMemory));
}
