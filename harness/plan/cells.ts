import type { CgroupVersion, Matrix, Selector } from '../matrix/matrix.ts';
import { combine } from '../matrix/selector.ts';
import type { Cell } from './cell.ts';

/**
 * The cells to measure, lazily and in the order of the matrix: the combinations without those that are
 * excluded, not selected, or whose strategy does not exist for their cgroup version.
 */
export function* planCells(matrix: Matrix, select: Selector = {}): Generator<Cell> {
  for (const { distro, cgroup, runtime, workload, strategy } of combine(matrix, select)) {
    const id = `${distro}/${cgroup}/${runtime}/${workload}/${strategy}`;
    yield { id, distro, cgroup, runtime, workload, strategy };
  }
}

/** Combinations that a plan leaves out because their strategy has no form for their cgroup version. */
export interface LeftOut {
  readonly strategy: string;
  readonly cgroup: CgroupVersion;
  readonly combinations: number;
}

/** Counts what no plan of a matrix holds, excluded or not, because the strategy does not exist on that cgroup. */
export function countLeftOut(matrix: Matrix): LeftOut[] {
  const combinations = matrix.distros.size * matrix.runtimes.length * matrix.workloads.length;
  return [...matrix.strategies].flatMap(([strategy, forms]) =>
    matrix.cgroups
      .filter((cgroup) => forms[cgroup] === undefined)
      .map((cgroup) => ({ strategy, cgroup, combinations })),
  );
}
