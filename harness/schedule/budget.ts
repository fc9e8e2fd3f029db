import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Memory that can be had without swapping, MiB: MemAvailable of /proc/meminfo. */
export function availableMiB(meminfo = readFileSync('/proc/meminfo', 'utf8')): number {
  return Math.floor(Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) / 1024);
}

/** Part of the available memory that machines may take. */
const share = 0.8;
/** Machines for each core: most wait out a deadline, or their turn for a core, standing still. */
const perCore = 8;

/** How many machines of `memoryMiB` each to run at once on this host: as many as cores and memory allow, one at least. */
export function jobsFor(memoryMiB: number): number {
  const byMemory = memoryMiB === 0 ? Infinity : Math.floor((availableMiB() * share) / memoryMiB);
  return Math.max(1, Math.min(availableParallelism() * perCore, byMemory));
}
