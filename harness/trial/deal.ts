import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { orderForMachine } from '../plan/order.ts';
import type { Round } from '../plan/rounds.ts';
import { trialsOf } from '../plan/shares.ts';
import { toTask } from './ask.ts';
import type { Task } from './shift.ts';

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
