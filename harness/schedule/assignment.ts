import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { orderForMachine } from './order.ts';
import type { Round } from './rounds.ts';
import { toTask } from '../trial/ask.ts';
import type { Task } from '../trial/task.ts';

/** One machine's share of a distro's trials. */
export interface Assignment {
  readonly distro: string;
  readonly tasks: readonly Task[];
  /** The number of the machine's boot in the run, from 0: trials of a cell in different boots are independent. */
  readonly boot: number;
}

/** What there is to assign. */
export interface Unassigned {
  readonly matrix: Matrix;
  readonly cells: readonly Cell[];
  readonly isFinished: (cell: Cell, trial: number) => boolean;
}

/** Assigns the unfinished trials of a round: up to `machines` assignments per distro, taking the distros in turn. */
export function assign({ matrix, cells, isFinished }: Unassigned, round: Round): Assignment[] {
  const assignments: Assignment[] = [];
  for (let slot = 0; slot < matrix.machines; slot++) {
    for (const distro of matrix.distros.keys()) {
      const own = orderForMachine(cells.filter((cell) => cell.distro === distro));
      const tasks = own.flatMap((cell) =>
        [...trialsOf(slot, matrix.machines, round)]
          .filter((trial) => !isFinished(cell, trial))
          .flatMap((trial) => toTask(matrix, cell, trial) ?? []),
      );
      if (tasks.length > 0) assignments.push({ distro, tasks, boot: round.number * matrix.machines + slot });
    }
  }
  return assignments;
}

/** Splits an assignment into one per cell, so that no cell runs on a machine that another cell has used. */
export function splitByCell({ tasks, ...rest }: Assignment): Assignment[] {
  const cells = [...new Set(tasks.map(({ cell }) => cell))];
  return cells.map((cell) => ({ ...rest, tasks: tasks.filter((task) => task.cell === cell) }));
}

/**
 * Moves the cells that mostly wait (`waitOf`: ms per trial, 0 if not) to at most `parts` assignments of their own, of
 * similar length, so that their waits overlap. Each cell stays on one machine.
 */
export function spreadWaits(
  assignment: Assignment,
  waitOf: (cell: Cell) => number,
  parts: number,
): Assignment[] {
  const byCell = splitByCell(assignment).map((one) => ({
    tasks: one.tasks,
    ms: waitOf(one.tasks[0]!.cell) * one.tasks.length,
  }));
  const waits = byCell.filter(({ ms }) => ms > 0);
  const heaps = Array.from({ length: Math.min(parts, waits.length) }, () => ({ tasks: [] as Task[], ms: 0 }));
  if (heaps.length === 0) return [assignment];
  for (const { tasks, ms } of waits.toSorted((a, b) => b.ms - a.ms)) {
    const least = heaps.reduce((a, b) => (b.ms < a.ms ? b : a));
    least.tasks.push(...tasks);
    least.ms += ms;
  }
  const rest = byCell.filter(({ ms }) => ms === 0).flatMap(({ tasks }) => tasks);
  return [rest, ...heaps.map(({ tasks }) => tasks)]
    .filter((tasks) => tasks.length > 0)
    .map((tasks) => ({ ...assignment, tasks }));
}

/**
 * The trials of a cell that one machine of a round runs: trial t of the round, from 0, goes to machine
 * `t mod machines`, so that adding trials does not move the others. `machine` counts from 0.
 */
export function* trialsOf(machine: number, machines: number, { from, to }: Round): Generator<number> {
  for (let trial = from + machine; trial < to; trial += machines) yield trial;
}
