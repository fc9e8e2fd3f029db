import { isQuantile, type Bound, type Measure } from '../matrix/expectation.ts';
import type { Expectation } from '../matrix/matrix.ts';
import type { CellName, CellSummary, Summary } from './summary.ts';

/** What the interval of a cell says about an expectation. */
export type Verdict = 'met' | 'missed' | 'undecided';

/** A measure of a cell with its 95 % interval: a share from 0 to 1, or microseconds, Infinity for never. */
export interface Found {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** For a share: `count` of `trials`. */
  readonly of: { readonly count: number; readonly trials: number } | null;
}

/** An expectation applied to a measured cell. */
export interface Judgement {
  readonly cell: CellSummary;
  readonly expected: Expectation;
  readonly found: Found;
  readonly verdict: Verdict;
}

/**
 * Judges every expectation on each cell that it covers and that has the measure, by its 95 % interval: met or missed
 * only when the whole interval is on one side, else undecided. An exact share of 0 or 1 is missed as soon as one trial
 * contradicts it, and met otherwise.
 */
export function judge(summary: Summary, expectations: readonly Expectation[]): Judgement[] {
  return summary.cells.flatMap((cell) =>
    expectations
      .filter(({ where }) => matches(where, cell))
      .flatMap((expected) => {
        const found = measure(cell, expected.of);
        return found === null ? [] : [{ cell, expected, found, verdict: verdictOf(found, expected) }];
      }),
  );
}

/** A measure of a cell; null when it has none: no counted trial, thaw, program or time. */
export function measure(cell: CellSummary, of: Measure): Found | null {
  if (isQuantile(of)) return cell.times && { ...cell.times[of], of: null };
  if (of === 'rate') {
    const { rate, low, high, frozen, trials } = cell;
    if (rate === null || low === null || high === null) return null;
    return { value: rate, low, high, of: { count: frozen, trials } };
  }
  const share = of === 'done' ? cell.tool && { ...cell.tool, count: cell.tool.done } : cell[of];
  if (share === null) return null;
  const { rate, low, high, count, trials } = share;
  return { value: rate, low, high, of: { count, trials } };
}

/** The verdict on one measure. */
export function verdictOf(
  { value: found, low, high, of }: Found,
  { op, value }: Pick<Bound, 'op' | 'value'>,
): Verdict {
  // no interval can prove an exact 0 or 1, so the observed share decides
  const exact = op === '==' || (op === '>=' && value === 1) || (op === '<=' && value === 0);
  if (of !== null && exact && (value === 0 || value === 1)) return found === value ? 'met' : 'missed';
  switch (op) {
    case '>=':
      return decide(low >= value, high < value);
    case '>':
      return decide(low > value, high <= value);
    case '<=':
      return decide(high <= value, low > value);
    case '<':
      return decide(high < value, low >= value);
    case '==':
      return decide(false, value < low || value > high);
  }
}

const decide = (met: boolean, missed: boolean): Verdict => (met ? 'met' : missed ? 'missed' : 'undecided');

function matches(where: Expectation['where'], cell: CellName): boolean {
  const axes = ['distro', 'cgroup', 'runtime', 'workload', 'strategy'] as const;
  return axes.every((axis) => {
    const names: readonly string[] | undefined = where[axis];
    return names === undefined || names.includes(cell[axis]);
  });
}
