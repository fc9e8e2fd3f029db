import type { Matrix } from '../matrix/matrix.ts';
import { stepsStrategy } from '../matrix/sequence.ts';
import { parseVariant } from '../matrix/parameters.ts';
import type { Cell } from '../plan/cell.ts';
import { trialSeed } from '../plan/seeds.ts';
import type { Task } from './task.ts';

/** The task for a trial of a cell; null if the matrix does not have the cell. */
export function toTask(matrix: Matrix, cell: Cell, trial: number): Task | null {
  const { id, cgroup, runtime } = cell;
  const seed = trialSeed(matrix.seed, id, trial);
  const sequence = cell.strategy === stepsStrategy ? matrix.sequences.get(cell.workload) : undefined;
  if (sequence !== undefined) return { cell, request: { trial, seed, cgroup, steps: sequence.steps } };
  const strategy = matrix.strategies.get(cell.strategy)?.[cgroup];
  if (strategy === undefined) return null;
  const variant = parseVariant(cell.workload);
  if (variant === null) return null;
  const { workload, values: parameters } = variant;
  const { startGap } = matrix;
  return { cell, request: { trial, seed, cgroup, runtime, workload, parameters, startGap, strategy } };
}
