import type { Judgement } from '../analyse/expect.ts';
import type { CellSummary, Summary } from '../analyse/summary.ts';
import { figures, judgementLine } from './words.ts';

/** A cell as a test: what programs that know of passed and failed alone are told. */
export interface CellStatus {
  readonly cell: CellSummary;
  /** `failed` is the kernel's doing, `error` ours, `skipped` what the kernel does not have. */
  readonly status: 'passed' | 'failed' | 'error' | 'skipped';
  /** Why it is not `passed`; of a passed one what is undecided; empty when there is nothing to say. */
  readonly why: string;
}

const kinds = {
  unsupported: 'skipped',
  crash: 'failed',
  hang: 'failed',
  'lab-error': 'error',
  'given-up': 'error',
  'not-run': 'error',
} as const;

/**
 * The status of every cell, in the order of the summary: failed when it missed an expectation, or has nothing but
 * crashes. What nothing is expected of passes whatever its rate is: the rate is the finding.
 */
export function cellStatuses(summary: Summary, judgements: readonly Judgement[]): CellStatus[] {
  const byCell = new Map<string, Judgement[]>();
  for (const judgement of judgements)
    byCell.set(judgement.cell.id, [...(byCell.get(judgement.cell.id) ?? []), judgement]);
  return summary.cells.map((cell): CellStatus => {
    const { notMeasured } = cell;
    if (notMeasured !== null) return { cell, status: kinds[notMeasured.kind], why: notMeasured.reason };
    const own = byCell.get(cell.id) ?? [];
    const missed = own.filter(({ verdict }) => verdict === 'missed');
    if (missed.length > 0) return { cell, status: 'failed', why: missed.map(judgementLine).join('; ') };
    const undecided = own.filter(({ verdict }) => verdict === 'undecided');
    return {
      cell,
      status: 'passed',
      why: undecided.map((one) => `undecided: ${judgementLine(one)}`).join('; '),
    };
  });
}

/** `7/8 88% [53-98], 12/40 ms`: what was measured; empty when nothing was. */
export function cellFigures(cell: CellSummary): string {
  if (cell.rate === null) return '';
  const { count, rate, time } = figures(cell);
  return time === '-' ? `${count} ${rate}` : `${count} ${rate}, ${time} ms`;
}

/** What blocked a cell's freezes, the most frequent first, a line each. */
export const blockerWords = ({ blockers, notFrozen }: CellSummary): string[] =>
  blockers.map(
    ({ where, state, trials, comm }) => `${trials} of ${notFrozen}: ${where} in ${state} (${comm})`,
  );
