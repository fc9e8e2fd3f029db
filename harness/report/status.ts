import type { Judgement } from '../analyse/expect.ts';
import {
  cellStates,
  exitCode,
  lostTrials,
  stateCodes,
  statesOf,
  type CellState,
  type StatedCell,
} from '../analyse/state.ts';
import type { CellSummary, RunName, Summary } from '../analyse/summary.ts';
import { figures, judgementLine, plural, statusWords } from './words.ts';

/** A cell with its state and its status as a test, for programs that know only passed and failed. */
export interface CellStatus extends StatedCell {
  /** `failed` is the kernel's fault, `error` ours, `skipped` what the kernel does not support. */
  readonly status: 'passed' | 'failed' | 'error' | 'skipped';
  /** An explanation of the state; empty when the cell is simply measured. */
  readonly why: string;
}

const byCode = { 0: 'passed', 1: 'failed', 69: 'error' } as const;

/** The test status of a state: follows its exit code, except for what the kernel does not support. */
const statusOf = (state: CellState): CellStatus['status'] =>
  state === 'unsupported' ? 'skipped' : byCode[stateCodes[state]];

/**
 * The status of every cell, in the order of the summary. A cell without expectations passes at any rate: the rate is
 * the finding.
 */
export const cellStatuses = (summary: Summary, judgements: readonly Judgement[]): CellStatus[] =>
  statesOf(summary, judgements).map((one) => ({
    ...one,
    status: statusOf(one.state),
    why: whyOf(one, summary.run),
  }));

function whyOf({ cell, state, judgements }: StatedCell, run: RunName): string {
  const lines = (wanted: Judgement['verdict']): string =>
    judgements
      .filter(({ verdict }) => verdict === wanted)
      .map(judgementLine)
      .join('; ');
  switch (state) {
    case 'measured':
      return '';
    case 'undecided':
      return lines('undecided');
    case 'missed':
      return lines('missed');
    case 'crashed':
      return crashWords(cell);
    case 'incomplete':
      return incompleteWords(cell, run);
    case 'unsupported':
    case 'not-measured':
      return cell.notMeasured?.reason ?? 'no reason was recorded';
    case 'unjudged':
      return run.lost ?? '';
  }
}

function crashWords(cell: CellSummary): string {
  const lost = lostTrials(cell);
  const first = cell.incidents.find(({ outcome }) => outcome === 'kernel-crash' || outcome === 'kernel-hang');
  return `the kernel was lost in ${lost} of ${plural(lost + cell.trials, 'trial')}: ${first?.reason ?? 'no reason was recorded'}`;
}

/** What a cell lacks, and why: `3 of 20 trials, 2 × lab-error: no network`. */
export function incompleteWords(cell: CellSummary, { trials: planned, status }: RunName): string {
  const others = Object.entries(cell.outcomes)
    .filter(
      ([outcome]) => outcome.startsWith('kernel-') || outcome === 'lab-error' || outcome === 'unsupported',
    )
    .map(([outcome, count]) => `${count} × ${outcome}`);
  const incident = cell.incidents.find(({ outcome }) => outcome === 'lab-error' || outcome === 'unsupported');
  const reason =
    cell.problem ?? incident?.reason ?? (status === 'finished' ? undefined : statusWords[status]);
  const figures = [`${cell.trials} of ${plural(planned ?? 0, 'trial')}`, ...others].join(', ');
  return reason === undefined ? figures : `${figures}: ${reason}`;
}

/** How many cells are in each state, and the resulting exit code: `9 measured, 1 missed: exit code 1`. */
export function stateCounts(cells: readonly { readonly state: CellState }[]): string {
  const counts = cellStates.flatMap((state) => {
    const count = cells.filter((cell) => cell.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  return `${counts.length === 0 ? 'none' : counts.join(', ')}: exit code ${exitCode(cells)}`;
}

/** The figures of a cell: `7/8 88% [53-98], 12/40 ms`; empty when nothing was measured. */
export function cellFigures(cell: CellSummary): string {
  if (cell.rate === null) return '';
  const { count, rate, time } = figures(cell);
  return time === '-' ? `${count} ${rate}` : `${count} ${rate}, ${time} ms`;
}

/** What blocked a cell's freezes, one line each, the most frequent first. */
export const blockerWords = ({ blockers, notFrozen }: CellSummary): string[] =>
  blockers.map(
    ({ where, state, trials, comm }) => `${trials} of ${notFrozen}: ${where} in ${state} (${comm})`,
  );
