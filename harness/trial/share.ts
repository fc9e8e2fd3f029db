import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { orderForMachine } from '../plan/order.ts';
import { trialsOf } from '../plan/shares.ts';
import { toTask } from './ask.ts';
import type { Task } from './shift.ts';

/** The trials of one distro that one machine works off. */
export interface Share {
  readonly distro: string;
  readonly tasks: readonly Task[];
  /** The number of its boot, from 0: trials of a cell in shares of different slots are independent. */
  readonly slot: number;
}

/** Deals the unfinished trials out: `machines` shares for each distro, each trial to share `trial mod machines`. */
export function shareOut(
  matrix: Matrix,
  cells: readonly Cell[],
  isFinished: (task: Task) => boolean,
): Share[] {
  const shares: Share[] = [];
  for (let slot = 0; slot < matrix.machines; slot++) {
    for (const distro of matrix.distros.keys()) {
      const own = orderForMachine(cells.filter((cell) => cell.distro === distro));
      const tasks = own.flatMap((cell) => tasksOf(matrix, cell, slot).filter((task) => !isFinished(task)));
      if (tasks.length > 0) shares.push({ distro, tasks, slot });
    }
  }
  return shares;
}

function tasksOf(matrix: Matrix, cell: Cell, slot: number): Task[] {
  return [...trialsOf(slot, matrix)].flatMap((trial) => toTask(matrix, cell, trial) ?? []);
}

/** The same share as one for each cell: no cell meets what another did to its machine. */
export function splitByCell({ tasks, ...share }: Share): Share[] {
  const cells = [...new Set(tasks.map(({ cell }) => cell))];
  return cells.map((cell) => ({ ...share, tasks: tasks.filter((task) => task.cell === cell) }));
}
