import { workloadOf } from '../matrix/parameters.ts';
import type { WorkloadName } from '../matrix/workloads.ts';
import type { Cell } from '../plan/cell.ts';

/** Workloads that block a task in the kernel: if it cannot be released, the machine is lost. */
const wedges: ReadonlySet<string> = new Set<WorkloadName>([
  'fuse-unanswered',
  'fuse-unread',
  'fuse-flush',
  'fuse-exit-flush',
  'pidns-init-death',
  'fsfreeze-write',
  'blkio-throttle',
  'blkio-throttle-timed',
  'loop-on-fuse',
  'dm-suspend',
  'nbd-dead',
  'memcg-oom-wait',
  'uffd-kernel',
]);

/** Whether a workload, by its name on the workload axis, may leave its machine unusable. */
export const mayWedge = (name: string): boolean => wedges.has(workloadOf(name));

/**
 * The cells of one machine in the order to run them: by cgroup setup, since changing it may take a reboot;
 * within a setup, those that may wedge the machine last, otherwise as planned.
 */
export function orderForMachine(cells: readonly Cell[]): Cell[] {
  const setUps = [...new Set(cells.map(({ cgroup }) => cgroup))];
  const rank = (cell: Cell): number => 2 * setUps.indexOf(cell.cgroup) + Number(mayWedge(cell.workload));
  return cells.toSorted((a, b) => rank(a) - rank(b));
}
