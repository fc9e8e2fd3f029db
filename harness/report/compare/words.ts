import {
  countOf,
  significance,
  type ApartCell,
  type CellChange,
  type Comparison,
  type LostCell,
} from '../../analyse/compare.ts';
import type { FactChange } from '../../analyse/facts.ts';
import type { CellSummary } from '../../analyse/summary.ts';
import { notMeasuredWord, percent, plural, rateWords, signed, significant } from '../words.ts';

/** The first line: did anything get worse? */
export function verdictLine(comparison: Comparison): string {
  const { changes, lost, apart, margin } = comparison;
  if (changes.length + lost.length === 0)
    return apart.length === 0
      ? 'Nothing to compare: the runs have no measured cell in common.'
      : `Nothing to compare: ${plural(apart.length, 'cell')} ran under other conditions.`;
  const worse = countOf(comparison, 'worse');
  const better = countOf(comparison, 'better');
  const same = countOf(comparison, 'same');
  const undecided = countOf(comparison, 'undecided');
  const rest = [
    better === 0 ? '' : `${better} better`,
    same === 0 ? '' : `${same} the same within ${percentPoints(margin)}`,
    undecided === 0 ? '' : `${undecided} undecided`,
  ].filter((words) => words !== '');
  const all = plural(changes.length + lost.length, 'rate');
  if (worse > 0) return [`Worse: ${worse} of ${all}.`, ...others('The others', rest)].join(' ');
  const verdict = undecided > 0 ? 'Nothing got worse for sure.' : 'Nothing got worse.';
  return [verdict, ...others(`Of ${all}`, rest)].join(' ');
}

/** The base run, then the earlier runs that some cells are compared with. */
export const baseLines = ({ base, earlier }: Comparison): string[] => [
  base.id,
  ...earlier.map(
    ({ run, cells }) => `for ${plural(cells.length, 'cell')} without a whole value there: ${run.id}`,
  ),
];

const others = (of: string, words: readonly string[]): string[] =>
  words.length === 0 ? [] : [`${of}: ${words.join(', ')}.`];

export const percentPoints = (share: number): string => plural(Number((share * 100).toPrecision(6)), 'point');

/** A change as the columns of a table. */
export interface ChangeRow {
  readonly change: string;
  readonly cell: string;
  readonly base: string;
  readonly head: string;
  readonly difference: string;
  readonly p: string;
}

export const columns = ['', 'cell', 'base', 'head', 'difference, points', 'p'] as const;

export const rowOf = ({ head, base, of, rates, by, adjusted, change }: CellChange): ChangeRow => ({
  change,
  cell: of === 'done' ? `${head.id} (the tool)` : head.id,
  base: `${countWords(base, of)} ${rateWords(rates.base)}`,
  head: `${countWords(head, of)} ${rateWords(rates.head)}`,
  difference: `${signed(by.rate)} [${signed(by.low)} to ${signed(by.high)}]`,
  p: adjusted === null ? '-' : significant(adjusted),
});

const countWords = (cell: CellSummary, of: CellChange['of']): string =>
  of === 'done' ? `${cell.tool?.done ?? 0}/${cell.tool?.trials ?? 0}` : `${cell.frozen}/${cell.trials}`;

export const lostRow = ({ base, head, change }: LostCell): ChangeRow => ({
  change,
  cell: head.id,
  base: measuredWords(base),
  head: measuredWords(head),
  difference: '',
  p: '',
});

function measuredWords(cell: CellSummary): string {
  const { notMeasured, rate, low, high } = cell;
  if (notMeasured !== null) return notMeasuredWord(notMeasured);
  return rate === null || low === null || high === null
    ? ''
    : `${countWords(cell, 'frozen')} ${rateWords({ rate, low, high })}`;
}

const order = { worse: 0, better: 1, undecided: 2, same: 3 } as const;

/**
 * `changed`: better, worse or measured by only one run, the worst first; `rest`: the others, the largest difference
 * first.
 */
export function sortRows({ changes, lost }: Comparison): { changed: ChangeRow[]; rest: ChangeRow[] } {
  const told = changes.filter(({ change }) => change === 'worse' || change === 'better');
  const others = changes.filter(({ change }) => change === 'same' || change === 'undecided');
  const lostFirst = lost.toSorted((a, b) => order[a.change] - order[b.change]);
  return {
    changed: [
      ...lostFirst.filter(({ change }) => change === 'worse').map(lostRow),
      ...told.toSorted((a, b) => a.by.rate - b.by.rate).map(rowOf),
      ...lostFirst.filter(({ change }) => change !== 'worse').map(lostRow),
    ],
    rest: others
      .toSorted((a, b) => order[a.change] - order[b.change] || Math.abs(b.by.rate) - Math.abs(a.by.rate))
      .map(rowOf),
  };
}

/** `kernel of debian-12: 6.1.0-55-cloud-amd64, then 6.1.0-56-cloud-amd64`. */
export const factLine = ({ what, of, base, head }: FactChange): string =>
  `${what}${of === '' ? '' : ` of ${of}`}: ${base}, then ${head}`;

/** Why a cell was measured by only one of the runs. */
export const lostLine = ({ base, head }: LostCell): string =>
  `${head.id}: ${(head.notMeasured ?? base.notMeasured)?.reason ?? 'no reason was recorded'}`;

/** `debian-13/v1/none/sleep/single: cpus 2, then 4`. */
export const apartLine = ({ head, how }: ApartCell): string => `${head.id}: ${how.join('; ')}`;

/** Crashes, hangs, false FROZENs and bad thaws of cells, where their numbers differ. */
export function troubleLines({ changes, lost }: Comparison): string[] {
  const cells = [...changes.filter(({ of }) => of === 'frozen'), ...lost];
  return cells.flatMap(({ base, head }) => {
    const found = troubles.flatMap(([words, count]) =>
      count(base) === count(head) ? [] : [`${words} in ${count(base)}, then ${count(head)}`],
    );
    const of = `of ${allTrials(base)} and ${allTrials(head)} trials`;
    return found.length === 0 ? [] : [`${head.id}: ${found.join('; ')} (${of})`];
  });
}

const allTrials = ({ outcomes }: CellSummary): number =>
  Object.values(outcomes).reduce((sum, count) => sum + count, 0);

const troubles: readonly (readonly [string, (cell: CellSummary) => number])[] = [
  ['kernel crash', ({ outcomes }) => outcomes['kernel-crash'] ?? 0],
  ['kernel hang', ({ outcomes }) => outcomes['kernel-hang'] ?? 0],
  ['read FROZEN while processes ran', ({ outcomes }) => outcomes['false-frozen'] ?? 0],
  ['thaw stuck', ({ thaw }) => thaw['thaw-stuck'] ?? 0],
  ['casualties of the thaw', ({ thaw }) => thaw.casualties ?? 0],
];

export const methodLine = ({ margin }: Comparison): string =>
  `Worse and better: p of at most ${significance}, by a t test of clustered proportions whose unit is the boot ` +
  `(Donner and Klar 2000), corrected for all rates by Holm (1979). Same: the 95 % interval of the difference ` +
  `(Newcombe 1998, method 10, on intervals that know of boots) is within ${percentPoints(margin)}; ` +
  `${percent(margin)} is --margin. Undecided: neither; more boots would tell.`;
