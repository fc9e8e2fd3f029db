import type { Expectation } from '../matrix/matrix.ts';
import type { CellName, CellSummary, Summary } from './summary.ts';

/** What a cell's interval says of an expectation. */
export type Verdict = 'met' | 'missed' | 'undecided';

/** An expectation applied to one measured cell. */
export interface Judgement {
  readonly cell: CellSummary;
  readonly expected: Expectation['rate'];
  readonly verdict: Verdict;
}

/**
 * Judges every expectation on every measured cell it speaks of, by the cell's 95 % interval: met or
 * missed only when the whole interval is on one side, else undecided. An exact 0 or 1 is missed as soon
 * as one trial contradicts it and met otherwise.
 */
export function judge(summary: Summary, expectations: readonly Expectation[]): Judgement[] {
  return summary.cells.flatMap((cell) =>
    expectations
      .filter(({ where }) => matches(where, cell))
      .flatMap(({ rate: expected }) => {
        const verdict = judgeRate(cell, expected);
        return verdict === undefined ? [] : [{ cell, expected, verdict }];
      }),
  );
}

/** The verdict on one rate; undefined when the cell was not measured. */
export function judgeRate(
  { rate, low, high }: Pick<CellSummary, 'rate' | 'low' | 'high'>,
  { op, value }: Expectation['rate'],
): Verdict | undefined {
  if (rate === null || low === null || high === null) return undefined;
  // no interval ever reaches an exact 0 or 1 from inside, so these are taken at their word
  const exact = op === '==' || (op === '>=' && value === 1) || (op === '<=' && value === 0);
  if (exact && (value === 0 || value === 1)) return rate === value ? 'met' : 'missed';
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

/**
 * The exit code of a run: 1 when a cell missed, 69 when none did and some cell could not be measured, else 0.
 * What a kernel does not have is a finding, not a failure to measure.
 */
export function exitCode(summary: Summary, judgements: readonly Judgement[]): 0 | 1 | 69 {
  if (judgements.some(({ verdict }) => verdict === 'missed')) return 1;
  const failed = summary.cells.some(
    ({ notMeasured }) => notMeasured !== null && notMeasured.kind !== 'unsupported',
  );
  return failed ? 69 : 0;
}
