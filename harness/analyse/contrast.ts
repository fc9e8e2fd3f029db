import { axisNames } from '../matrix/axes.ts';
import type { Contrast } from '../matrix/matrix.ts';
import { fisherExact, holm } from './exact.ts';
import type { Cluster, Interval } from './interval.ts';
import type { CellSummary } from './summary.ts';

/** Two cells that differ on one axis, and how far their rates are apart. */
export interface Difference {
  readonly from: CellSummary;
  readonly to: CellSummary;
  /** `frozen`: the rate of FROZEN; `done`: of tools that did all they were to do. */
  readonly of: 'frozen' | 'done';
  /** The rate of `to` less that of `from`, with its 95 % interval. */
  readonly by: Interval;
  /** Two-sided, by exchanging boots; null with a single boot on either side. */
  readonly p: number | null;
  /** Holm's: p as one of all these differences of the same kind. */
  readonly adjusted: number | null;
}

/** Every pair of measured cells that a matrix asks to be held against each other, in the order of the cells. */
export function contrast(cells: readonly CellSummary[], asked: readonly Contrast[]): Difference[] {
  const byId = new Map(cells.map((cell) => [cell.id, cell]));
  const found = asked.flatMap(({ axis, from, to }) =>
    cells.flatMap((cell): Omit<Difference, 'adjusted'>[] => {
      const other = cell[axis] === from ? byId.get(idWith(cell, axis, to)) : undefined;
      if (other === undefined) return [];
      const frozen = difference(cell, other, 'frozen');
      return [frozen, difference(cell, other, 'done')].filter((one) => one !== null);
    }),
  );
  // whether a tool did its work is another question than whether it froze, and mostly has the same answer
  const raised = (of: Difference['of']): (number | null)[] =>
    holm(found.map((one) => (one.of === of ? one.p : null)));
  const adjusted = { frozen: raised('frozen'), done: raised('done') };
  return found.map((one, i) => ({ ...one, adjusted: adjusted[one.of][i] ?? null }));
}

function idWith(cell: CellSummary, axis: Contrast['axis'], name: string): string {
  return axisNames.map((one) => (one === axis ? name : cell[one])).join('/');
}

interface Side {
  readonly rate: Interval;
  readonly boots: readonly Cluster[];
}

function sideOf(cell: CellSummary, of: Difference['of']): Side | null {
  if (of === 'done') return cell.tool && { rate: cell.tool, boots: cell.tool.clusters };
  const { rate, low, high, clusters } = cell;
  return rate === null || low === null || high === null
    ? null
    : { rate: { rate, low, high }, boots: clusters };
}

function difference(
  from: CellSummary,
  to: CellSummary,
  of: Difference['of'],
): Omit<Difference, 'adjusted'> | null {
  const [a, b] = [sideOf(from, of), sideOf(to, of)];
  if (a === null || b === null) return null;
  return { from, to, of, by: newcombe(a.rate, b.rate), p: exchangeBoots(a.boots, b.boots) };
}

/**
 * The difference of two rates with its interval, from the intervals of each: R. G. Newcombe, "Interval
 * estimation for the difference between independent proportions", Statistics in Medicine 17 (1998), pp.
 * 873-890, method 10; with intervals that know of boots, as the ones given, it knows of them too.
 */
export function newcombe(from: Interval, to: Interval): Interval {
  const rate = to.rate - from.rate;
  const down = Math.hypot(to.rate - to.low, from.high - from.rate);
  const up = Math.hypot(to.high - to.rate, from.rate - from.low);
  return { rate, low: rate - down, high: rate + up };
}

const enumerated = 50_000;

/**
 * The probability of rates so far apart, or farther, if it were chance which boots are on which side: an
 * exact permutation test with the boot as its unit (trials in one boot are not independent). With m and n
 * boots it can be no smaller than one over their combinations: 2/252 for five and five. Beyond 50,000
 * combinations as many are drawn at random, always the same ones. With one trial in each boot all are
 * independent, and it is Fisher's exact test.
 */
export function exchangeBoots(from: readonly Cluster[], to: readonly Cluster[]): number | null {
  if (from.length < 2 || to.length < 2) return null;
  const all = [...from, ...to];
  if (all.every((one) => one.trials === 1)) return fisherExact(sum(from), sum(to));
  const { frozen, trials } = sum(all);
  const apart = (side: readonly Cluster[]): number => {
    const { frozen: x, trials: n } = sum(side);
    return Math.abs(x / n - (frozen - x) / (trials - n));
  };
  // sums in another order differ in their last bits
  const seen = apart(from) - 1e-12;
  let [farther, count] = [0, 0];
  for (const side of sidesOf(all, from.length)) {
    count++;
    if (apart(side) >= seen) farther++;
  }
  return farther / count;
}

function sum(clusters: readonly Cluster[]): Cluster {
  return clusters.reduce((all, one) => ({
    frozen: all.frozen + one.frozen,
    trials: all.trials + one.trials,
  }));
}

function* sidesOf(all: readonly Cluster[], size: number): Generator<readonly Cluster[]> {
  if (combinations(all.length, size) <= enumerated) yield* choose(all, size);
  else yield* draw(all, size);
}

function combinations(n: number, k: number): number {
  let count = 1;
  for (let i = 1; i <= k; i++) count = (count * (n - k + i)) / i;
  return Math.round(count);
}

function* choose<T>(all: readonly T[], size: number, from = 0): Generator<readonly T[]> {
  if (size === 0) yield [];
  else
    for (let i = from; i <= all.length - size; i++)
      for (const rest of choose(all, size - 1, i + 1)) yield [all[i]!, ...rest];
}

/** The first is as it was seen: p is never 0 (Phipson and Smyth 2010). */
function* draw<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  yield all.slice(0, size);
  let state = 1;
  for (let n = 1; n < enumerated; n++) {
    const pool = [...all];
    for (let i = 0; i < size; i++) {
      // mulberry32
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      const j = i + Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * (pool.length - i));
      [pool[i], pool[j]] = [pool[j]!, pool[i]!];
    }
    yield pool.slice(0, size);
  }
}
