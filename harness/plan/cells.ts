import type { CgroupVersion, Matrix, Runtime, Selector } from '../matrix/matrix.ts';
import type { WorkloadName } from '../matrix/workloads.ts';
import type { Cell } from './cell.ts';

/** The axes of a matrix, in the order of a cell's id. */
export const axisNames = ['distro', 'cgroup', 'runtime', 'workload', 'strategy'] as const;
export type AxisName = (typeof axisNames)[number];

/** Whether a cell agrees with a selector on every axis it names. */
export function matches(cell: Cell, selector: Selector): boolean {
  return axisNames.every((axis) => {
    const names: readonly string[] | undefined = selector[axis];
    return names === undefined || names.includes(cell[axis]);
  });
}

function toCell(
  distro: string,
  cgroup: CgroupVersion,
  runtime: Runtime,
  of: { workload: WorkloadName; strategy: string },
): Cell {
  const { workload, strategy } = of;
  return {
    id: `${distro}/${cgroup}/${runtime}/${workload}/${strategy}`,
    distro,
    cgroup,
    runtime,
    workload,
    strategy,
  };
}

/** Every combination of the axes, lazily, in the order the matrix gives. */
export function* combinations(matrix: Matrix): Generator<Cell> {
  for (const distro of matrix.distros.keys()) {
    for (const cgroup of matrix.cgroups) {
      for (const runtime of matrix.runtimes) {
        for (const workload of matrix.workloads) {
          for (const strategy of matrix.strategies.keys())
            yield toCell(distro, cgroup, runtime, { workload, strategy });
        }
      }
    }
  }
}

/** Whether a strategy has a form for the cgroup version of a cell. */
export const isApplicable = (matrix: Matrix, cell: Cell): boolean =>
  matrix.strategies.get(cell.strategy)?.[cell.cgroup] !== undefined;

/**
 * The cells to measure, lazily: the combinations without those that are excluded, not selected, or whose
 * strategy does not exist for their cgroup version.
 */
export function* planCells(matrix: Matrix, select: Selector = {}): Generator<Cell> {
  for (const cell of combinations(matrix)) {
    if (!isApplicable(matrix, cell) || !matches(cell, select)) continue;
    if (matrix.exclude.some((selector) => matches(cell, selector))) continue;
    yield cell;
  }
}
