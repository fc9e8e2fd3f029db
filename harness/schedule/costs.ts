import type { Matrix, Way } from '../matrix/matrix.ts';
import { parseVariant } from '../matrix/parameters.ts';
import { stepsStrategy } from '../matrix/sequence.ts';
import type { WorkloadName } from '../matrix/workloads.ts';
import type { Cell } from '../plan/cell.ts';
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

/** Whether something runs without end in a trial of that variant. */
function isBusy(name: string): boolean {
  const variant = parseVariant(name);
  return variant !== null && (busy.has(variant.workload) || variant.values['load'] !== 0);
}

/** What a trial needs of the host. */
export interface Needs {
  readonly cores: number;
  /** For so long at most, ms; null: until it ends. */
  readonly holdMs: number | null;
}

/** A poll that is shorter is no wait. */
const waitUs = 1000;

/**
 * What a trial of a cell needs. A busy workload has all cores of its machine, but while the guest says that it only
 * waits: a strategy that retries sets it off again, and so does the last thaw, in the middle of whatever race would
 * have begun meanwhile. Another has one core, for as long as it is not just waiting.
 */
export function loadOf(cell: Cell, matrix: Matrix, cpus: number): Needs {
  if (isBusy(cell.workload)) return { cores: cpus, holdMs: null };
  const cores = Math.min(1, cpus);
  const strategy = matrix.strategies.get(cell.strategy)?.[cell.cgroup];
  if (cell.strategy === stepsStrategy || (strategy?.tool ?? null) !== null) return { cores, holdMs: 5000 };
  const waits = strategy === undefined || strategy.wait === 'events' || strategy.pollUs >= waitUs;
  return { cores, holdMs: waits ? 150 : null };
}

/** Cores of this host that a machine may use. */
export const cpusOf = (way: Way): number =>
  way.driver === 'ssh' ? 0 : way.driver === 'local' ? Infinity : way.cpus;

/** How long a trial of a cell waits at most for what is unlikely to come, in which nothing needs a core, ms. */
export const longestWait = ({ workload, strategy, cgroup }: Cell, matrix: Matrix): number =>
  mayWedge(workload) ? (matrix.strategies.get(strategy)?.[cgroup]?.deadlineUs ?? 0) / 1000 : 0;
