import type { CgroupVersion, Matrix, Runtime, Selector } from '../matrix/matrix.ts';
import { combine, toolOf } from '../matrix/selector.ts';
import { isUsable } from '../matrix/tools.ts';
import type { Cell } from './cell.ts';

/**
 * The cells to measure, lazily and in the order of the matrix. Leaves out combinations that are excluded
 * or not selected, or whose strategy does not exist for their cgroup version or runtime.
 */
export function* planCells(matrix: Matrix, select: Selector = {}): Generator<Cell> {
  for (const { distro, cgroup, runtime, workload, strategy } of combine(matrix, select)) {
    const id = `${distro}/${cgroup}/${runtime}/${workload}/${strategy}`;
    yield { id, distro, cgroup, runtime, workload, strategy };
  }
}

/** Combinations that a plan leaves out because their strategy does not exist for their cgroup version or runtime. */
export interface LeftOut {
  readonly strategy: string;
  readonly on: CgroupVersion | Runtime;
  readonly combinations: number;
}

/** Counts the combinations for which the strategy does not exist, whether they are excluded or not. */
export function countLeftOut(matrix: Matrix): LeftOut[] {
  const each = matrix.distros.size * matrix.workloads.length;
  return [...matrix.strategies].flatMap(([strategy, forms]): LeftOut[] => {
    const tool = toolOf(matrix, strategy);
    const [cgroups, without] = split(matrix.cgroups, (cgroup) => forms[cgroup] !== undefined);
    const [, unusable] = split(matrix.runtimes, (runtime) => isUsable(tool, runtime));
    return [
      ...without.map((on) => ({ strategy, on, combinations: each * matrix.runtimes.length })),
      ...unusable.map((on) => ({ strategy, on, combinations: each * cgroups.length })),
    ];
  });
}

/** The elements that pass, and those that do not. */
function split<T>(all: readonly T[], passes: (one: T) => boolean): [T[], T[]] {
  return [all.filter(passes), all.filter((one) => !passes(one))];
}
