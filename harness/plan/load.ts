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

/**
 * The cores that a trial has, and for how long at most (ms; null: until it ends). A busy workload has all of its
 * machine's to the end: a strategy that retries sets it off again, and so does the last thaw, in the middle of
 * whatever race would have begun meanwhile. Another has one, for as long as it is not just waiting.
 */
export function loadOf(
  cell: Cell,
  matrix: Matrix,
  cpus: number,
): { readonly cores: number; readonly holdMs: number | null } {
  if (busy.has(cell.workload)) return { cores: cpus, holdMs: null };
  const runsPrograms = cell.strategy === stepsStrategy || toolOf(matrix, cell.strategy) !== null;
  return { cores: Math.min(1, cpus), holdMs: runsPrograms ? 5000 : 300 };
}

/** Cores of this host that a machine may use. */
export const cpusOf = (way: Way): number =>
  way.driver === 'ssh' ? 0 : way.driver === 'local' ? Infinity : way.cpus;

/** How long a trial of a cell waits at most for what is unlikely to come, in which nothing needs a core, ms. */
export const longestWait = ({ workload, strategy, cgroup }: Cell, matrix: Matrix): number =>
  mayWedge(workload) ? (matrix.strategies.get(strategy)?.[cgroup]?.deadlineUs ?? 0) / 1000 : 0;
