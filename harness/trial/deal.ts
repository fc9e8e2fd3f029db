import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { orderForMachine } from '../plan/order.ts';
import type { Round } from '../plan/rounds.ts';
import { trialsOf } from '../plan/shares.ts';
import { toTask } from './ask.ts';
import type { Task } from './task.ts';

/** One machine's share of a distro's trials. */
export interface Share {
  readonly distro: string;
  readonly tasks: readonly Task[];
  /** The number of its boot in the run, from 0: trials of a cell on different boots are independent. */
  readonly boot: number;
}

/** What is dealt out. */
export interface Hand {
  readonly matrix: Matrix;
  readonly cells: readonly Cell[];
  readonly isFinished: (cell: Cell, trial: number) => boolean;
}

/** Deals the unfinished trials of a round out: `machines` shares for each distro, those of all distros in turn. */
export function deal({ matrix, cells, isFinished }: Hand, round: Round): Share[] {
  const shares: Share[] = [];
  for (let slot = 0; slot < matrix.machines; slot++) {
    for (const distro of matrix.distros.keys()) {
      const own = orderForMachine(cells.filter((cell) => cell.distro === distro));
      const tasks = own.flatMap((cell) =>
        [...trialsOf(slot, matrix.machines, round)]
          .filter((trial) => !isFinished(cell, trial))
          .flatMap((trial) => toTask(matrix, cell, trial) ?? []),
      );
      if (tasks.length > 0) shares.push({ distro, tasks, boot: round.number * matrix.machines + slot });
    }
  }
  return shares;
}

/** The same share as one for each cell: no cell meets what another did to its machine. */
export function splitByCell({ tasks, ...share }: Share): Share[] {
  const cells = [...new Set(tasks.map(({ cell }) => cell))];
  return cells.map((cell) => ({ ...share, tasks: tasks.filter((task) => task.cell === cell) }));
}

/**
 * The same share with the cells that mostly wait (`waitOf` a trial, ms) on machines of their own, `parts` at most and of
 * like length, so that their waits go by beside one another. Each cell stays on one machine.
 */
export function spreadWaits(share: Share, waitOf: (cell: Cell) => number, parts: number): Share[] {
  const byCell = splitByCell(share).map((one) => ({
    tasks: one.tasks,
    ms: waitOf(one.tasks[0]!.cell) * one.tasks.length,
  }));
  const waits = byCell.filter(({ ms }) => ms > 0);
  const heaps = Array.from({ length: Math.min(parts, waits.length) }, () => ({ tasks: [] as Task[], ms: 0 }));
  if (heaps.length === 0) return [share];
  for (const { tasks, ms } of waits.toSorted((a, b) => b.ms - a.ms)) {
    const least = heaps.reduce((a, b) => (b.ms < a.ms ? b : a));
    least.tasks.push(...tasks);
    least.ms += ms;
  }
  const rest = byCell.filter(({ ms }) => ms === 0).flatMap(({ tasks }) => tasks);
  return [rest, ...heaps.map(({ tasks }) => tasks)]
    .filter((tasks) => tasks.length > 0)
    .map((tasks) => ({ ...share, tasks }));
}
