import type { Ready } from '../labs.ts';
import { jobsFor } from './budget.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { longestWait } from './costs.ts';
import { splitByCell, spreadWaits, type Assignment } from './assignment.ts';

/** What one machine after another does. */
export interface Work {
  readonly share: Assignment;
  readonly on: Ready;
  /** The number of the template its machines start from; null: they are booted. */
  readonly template: number | null;
}

/** What shares are worked with. */
export interface Means {
  readonly matrix: Matrix;
  /** The distros that can be booted; shares of others are left out. */
  readonly ready: readonly Ready[];
  /** Machines at once. */
  readonly jobs: number;
}

/** Waits that a machine of their own is booted for. */
const worthBootMs = 60_000;

/** Whether machines of a distro start from templates. */
const hasClones = ({ lab }: Ready, { templates }: Matrix): boolean => templates && lab.hasTemplates === true;

/** Machines at once: as many as were asked for, or as this host has cores for and memory for the largest. */
export const machinesFor = (ready: readonly Ready[], matrix: Matrix, asked: number | null): number =>
  asked ?? jobsFor(Math.max(...ready.map((one) => one.lab.memoryOf(one.way, hasClones(one, matrix)))));

/** How long a work mostly waits, ms; 0: it has trials that do not. */
export function waitOf({ share: { tasks } }: Work, matrix: Matrix): number {
  const waits = tasks.map(({ cell }) => longestWait(cell, matrix));
  return waits.includes(0) ? 0 : waits.reduce((sum, one) => sum + one, 0);
}

/** What each machine does: one for each share, for each of its cells where starts are cheap, or for its waits. */
export function worksOf(shares: readonly Assignment[], { matrix, ready, jobs }: Means): Work[] {
  const usable = new Map(ready.map((one) => [one.distro, one]));
  const parts = Math.ceil(jobs / shares.length) - 1;
  return shares.flatMap((share): Work[] => {
    const on = usable.get(share.distro);
    if (on === undefined) return [];
    if (!hasClones(on, matrix)) {
      const own = on.lab.hasTemplates === true ? spread(share, parts, matrix) : [share];
      return own.map((part) => ({ share: part, on, template: null }));
    }
    return splitByCell(share).map((part) => ({ share: part, on, template: part.boot }));
  });
}

/** As many machines for a share's waits as there are left, each with more to wait for than its boot takes. */
function spread(share: Assignment, parts: number, matrix: Matrix): Assignment[] {
  const longest = (cell: Cell): number => longestWait(cell, matrix);
  const all = share.tasks.reduce((sum, { cell }) => sum + longest(cell), 0);
  return spreadWaits(share, longest, Math.min(parts, Math.floor(all / worthBootMs)));
}
