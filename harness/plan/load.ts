import type { Matrix, Way } from '../matrix/matrix.ts';
import { stepsStrategy } from '../matrix/sequence.ts';
import { toolOf } from '../matrix/selector.ts';
import type { WorkloadName } from '../matrix/workloads.ts';
import type { Cell } from './cell.ts';
import { mayWedge } from './order.ts';

/** Workloads that are busy while they are frozen: what else runs on their cores changes who comes first. */
const busy: ReadonlySet<string> = new Set<WorkloadName>([
  'spin',
  'fork-storm',
  'thread-storm',
  'thread-bomb',
  'exec-storm',
  'fork-exec-storm',
  'vfork-exec-storm',
  'mt-exec-storm',
  'mt-exec-once',
  'attach-storm',
  'attach-to-frozen',
  'exec-into',
  'nested',
]);

/** The cores that a trial has, and for how long: all of its machine's where the workload is busy, else one. */
export function loadOf(
  cell: Cell,
  matrix: Matrix,
  cpus: number,
): { readonly cores: number; readonly holdMs: number } {
  const runsPrograms = cell.strategy === stepsStrategy || toolOf(matrix, cell.strategy) !== null;
  if (busy.has(cell.workload)) return { cores: cpus, holdMs: runsPrograms ? 5000 : 1000 };
  return { cores: Math.min(1, cpus), holdMs: runsPrograms ? 5000 : 300 };
}

/** Cores of this host that a machine may use. */
export const cpusOf = (way: Way): number =>
  way.driver === 'ssh' ? 0 : way.driver === 'local' ? Infinity : way.cpus;

/** How long a trial of a cell waits at most for what is unlikely to come, in which nothing needs a core, ms. */
export const longestWait = ({ workload, strategy, cgroup }: Cell, matrix: Matrix): number =>
  mayWedge(workload) ? (matrix.strategies.get(strategy)?.[cgroup]?.deadlineUs ?? 0) / 1000 : 0;
