import type { CellSummary, Summary } from '../analyse/summary.ts';
import { groupBy } from './group.ts';

/** A row of the report's table: one workload with all its strategies. */
export interface Row {
  readonly distro: string;
  readonly label: string;
  readonly cells: ReadonlyMap<string, CellSummary>;
}

/** The rows of one distro, and the kernel releases that its guests reported. */
export interface Section {
  readonly distro: string;
  readonly releases: readonly string[];
  readonly rows: readonly Row[];
}

/** The cells of a summary as a table: sections by distro, columns by strategy, rows by the axes between. */
export function tabulate({ cells }: Summary): {
  readonly strategies: readonly string[];
  readonly sections: readonly Section[];
} {
  const strategies = [...new Set(cells.map(({ strategy }) => strategy))];
  const namesRuntime = new Set(cells.map(({ runtime }) => runtime)).size > 1;
  const labelOf = ({ cgroup, runtime, workload }: CellSummary): string =>
    (namesRuntime ? [cgroup, runtime, workload] : [cgroup, workload]).join(' ');
  const sections = [...groupBy(cells, ({ distro }) => distro)].map(([distro, own]) => ({
    distro,
    releases: [...new Set(own.flatMap(({ releases }) => releases))].sort(),
    rows: [...groupBy(own, labelOf)].map(([label, row]) => ({
      distro,
      label,
      cells: new Map(row.map((cell) => [cell.strategy, cell])),
    })),
  }));
  return { strategies, sections };
}
