import type { Ready } from '../labs.ts';
import { jobsFor } from './budget.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { longestWait } from './costs.ts';
import { splitByCell, spreadWaits, type Assignment } from './assignment.ts';

/** An assignment for successive machines of one distro, and what they start from. */
export interface Work {
  readonly assignment: Assignment;
  readonly on: Ready;
  /** The number of the template that its machines start from; null: they are booted. */
  readonly template: number | null;
}

/** What there is to carry out assignments with. */
export interface Means {
  readonly matrix: Matrix;
  /** The distros that can be booted; assignments of others are left out. */
  readonly ready: readonly Ready[];
  /** Number of machines at once. */
  readonly jobs: number;
}

/** Total wait that is worth booting another machine for. */
const worthBootMs = 60_000;

/** Whether machines of a distro start from templates. */
const hasClones = ({ lab }: Ready, { templates }: Matrix): boolean => templates && lab.hasTemplates === true;

/** Number of machines at once: as requested, or what this host's cores and memory allow for the largest machine. */
export const machinesFor = (ready: readonly Ready[], matrix: Matrix, asked: number | null): number =>
  asked ?? jobsFor(Math.max(...ready.map((one) => one.lab.memoryOf(one.way, hasClones(one, matrix)))));

/** How long this work mostly waits, ms; 0: some of its trials do not wait. */
export function waitOf({ assignment: { tasks } }: Work, matrix: Matrix): number {
  const waits = tasks.map(({ cell }) => longestWait(cell, matrix));
  return waits.includes(0) ? 0 : waits.reduce((sum, one) => sum + one, 0);
}

/** Splits assignments into works: per cell where machines start from templates, else with waits on further machines. */
export function worksOf(assignments: readonly Assignment[], { matrix, ready, jobs }: Means): Work[] {
  const usable = new Map(ready.map((one) => [one.distro, one]));
  const parts = Math.ceil(jobs / assignments.length) - 1;
  return assignments.flatMap((assignment): Work[] => {
    const on = usable.get(assignment.distro);
    if (on === undefined) return [];
    if (!hasClones(on, matrix)) {
      const own = on.lab.hasTemplates === true ? spread(assignment, parts, matrix) : [assignment];
      return own.map((part) => ({ assignment: part, on, template: null }));
    }
    return splitByCell(assignment).map((part) => ({ assignment: part, on, template: part.boot }));
  });
}

/** Spreads the waits of an assignment over the spare machines, each with more to wait for than its boot takes. */
function spread(assignment: Assignment, parts: number, matrix: Matrix): Assignment[] {
  const longest = (cell: Cell): number => longestWait(cell, matrix);
  const all = assignment.tasks.reduce((sum, { cell }) => sum + longest(cell), 0);
  return spreadWaits(assignment, longest, Math.min(parts, Math.floor(all / worthBootMs)));
}
