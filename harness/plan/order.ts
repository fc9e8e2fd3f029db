import type { WorkloadName } from '../matrix/workloads.ts';
import type { Cell } from './cell.ts';

/** Workloads that hold a task in the kernel: if one cannot be released, its machine is lost. */
const mayWedge: ReadonlySet<string> = new Set<WorkloadName>([
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

/** The cells of one machine in the order to run them: those that may wedge it last, else as planned. */
export function orderForMachine(cells: readonly Cell[]): Cell[] {
  const wedges = (cell: Cell): number => Number(mayWedge.has(cell.workload));
  return cells.toSorted((a, b) => wedges(a) - wedges(b));
}
