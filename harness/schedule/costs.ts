import type { Matrix, Way } from '../matrix/matrix.ts';
import { isBusy } from '../matrix/busy.ts';
import { stepsStrategy } from '../matrix/sequence.ts';
import type { Cell } from '../plan/cell.ts';
import { mayWedge } from './order.ts';

/** What a trial needs of the host. */
export interface Needs {
  readonly cores: number;
  /** Longest time to hold them, ms; null: until the trial ends. */
  readonly holdMs: number | null;
}

/** Polling at shorter intervals than this does not count as waiting. */
const waitUs = 1000;

/**
 * What a trial of a cell needs. A busy workload takes all cores of its machine for the whole trial, except while the
 * guest reports that it only waits: each retry of the strategy and the final thaw set it off again, and would disturb
 * a race that had begun meanwhile. Any other workload takes one core, until it only waits.
 */
export function loadOf(cell: Cell, matrix: Matrix, cpus: number): Needs {
  if (isBusy(cell.workload)) return { cores: cpus, holdMs: null };
  const cores = Math.min(1, cpus);
  const strategy = matrix.strategies.get(cell.strategy)?.[cell.cgroup];
  if (cell.strategy === stepsStrategy || (strategy?.tool ?? null) !== null) return { cores, holdMs: 5000 };
  const waits = strategy === undefined || strategy.wait === 'events' || strategy.pollUs >= waitUs;
  return { cores, holdMs: waits ? 150 : null };
}

/** The number of cores of this host that a machine may use. */
export const cpusOf = (way: Way): number =>
  way.driver === 'ssh' ? 0 : way.driver === 'local' ? Infinity : way.cpus;

/** Longest wait, ms, of a trial for a freeze that is unlikely to come; it needs no core meanwhile. 0: no wait. */
export const longestWait = ({ workload, strategy, cgroup }: Cell, matrix: Matrix): number =>
  mayWedge(workload) ? (matrix.strategies.get(strategy)?.[cgroup]?.deadlineUs ?? 0) / 1000 : 0;
