import type { CellState } from '../analyse/state.ts';
import { isSequence, type CellSummary, type Summary } from '../analyse/summary.ts';
import { marks, notMeasuredWord, stateMark } from './words.ts';

/** The results of a run's sequences: a row per sequence, a column per kernel. */
export interface SequenceTable {
  /** `linux-6.1` and the releases its guests reported. */
  readonly kernels: readonly { readonly distro: string; readonly releases: readonly string[] }[];
  readonly rows: readonly SequenceRow[];
}

export interface SequenceRow {
  /** `v1 ltp.freeze-thaw` */
  readonly label: string;
  /** By distro. */
  readonly cells: ReadonlyMap<string, CellSummary>;
}

/** The summary without the cells of sequences. */
export const withoutSequences = (summary: Summary): Summary => ({
  ...summary,
  cells: summary.cells.filter((cell) => !isSequence(cell)),
});

/** The table of the sequences; null when there are none. */
export function tabulateSequences({ cells }: Summary): SequenceTable | null {
  const own = cells.filter(isSequence);
  if (own.length === 0) return null;
  const rows = new Map<string, Map<string, CellSummary>>();
  const kernels = new Map<string, Set<string>>();
  for (const cell of own) {
    const label = `${cell.cgroup} ${cell.workload}`;
    const row = rows.get(label) ?? new Map<string, CellSummary>();
    rows.set(label, row.set(cell.distro, cell));
    const releases = kernels.get(cell.distro) ?? new Set();
    kernels.set(cell.distro, releases);
    for (const release of cell.releases) releases.add(release);
  }
  return {
    kernels: [...kernels].map(([distro, releases]) => ({ distro, releases: [...releases].sort() })),
    rows: [...rows].map(([label, of]) => ({ label, cells: of })),
  };
}

/** `4/4`, followed by the cell's marks; a word where no trial counted. */
export function sequenceFigure(cell: CellSummary | undefined, state: CellState | undefined): string {
  if (cell === undefined || state === undefined) return '';
  const figure =
    cell.notMeasured === null ? `${cell.frozen}/${cell.trials}` : notMeasuredWord(cell.notMeasured);
  const own = cell.notMeasured === null ? marks(cell, state) : stateMark(state);
  return `${figure} ${own}`.trimEnd();
}

/** A line per failed step: what was expected, then what was found, on which kernels and how often. */
export function stepLines({ cells }: Summary): string[] {
  const lines = new Map<string, string[]>();
  for (const { cgroup, workload, distro, failures, trials: all } of cells) {
    for (const { step, what, expected, found, trials } of failures) {
      const line = `${cgroup} ${workload}, step ${step}, ${what}: expected ${expected}; found`;
      lines.set(line, [...(lines.get(line) ?? []), `${found} on ${distro} (${trials} of ${all})`]);
    }
  }
  return [...lines].map(([line, found]) => `${line} ${found.join(', ')}`);
}
