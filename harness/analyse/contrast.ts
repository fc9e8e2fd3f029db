import { axisNames } from '../matrix/axes.ts';
import type { Contrast } from '../matrix/matrix.ts';
import { testBoots } from './boots.ts';
import { holm } from './exact.ts';
import type { Cluster, Interval } from './interval.ts';
import type { CellSummary } from './summary.ts';

/** Two cells that differ on one axis, and the difference of their rates. */
export interface Difference {
  readonly from: CellSummary;
  readonly to: CellSummary;
  /** `frozen`: the rate of FROZEN; `done`: the rate at which tools completed all their work. */
  readonly of: 'frozen' | 'done';
  readonly rates: { readonly from: Interval; readonly to: Interval };
  /** The rate of `to` minus that of `from`, with its 95 % interval. */
  readonly by: Interval;
  /** Two-sided, see `testBoots`; null with a single boot on either side. */
  readonly p: number | null;
  /** `p` after Holm's correction for all differences of the same kind whose rates can differ. */
  readonly adjusted: number | null;
}

/** Every pair of measured cells that the matrix asks to compare, in the order of the cells. */
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
  // corrected separately: whether a tool completed its work is another question than whether it froze, and mostly has
  // the same answer
  const raised = (of: Difference['of']): (number | null)[] =>
    holm(found.map((one) => (one.of === of && canDiffer(one.rates.from, one.rates.to) ? one.p : null)));
  const adjusted = { frozen: raised('frozen'), done: raised('done') };
  return found.map((one, i) => ({ ...one, adjusted: one.p === null ? null : (adjusted[one.of][i] ?? 1) }));
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
  const rates = { from: a.rate, to: b.rate };
  return { from, to, of, rates, by: newcombe(a.rate, b.rate), p: testBoots(a.boots, b.boots) };
}

/**
 * The difference of two rates with its interval, derived from their intervals: R. G. Newcombe, "Interval estimation for
 * the difference between independent proportions", Statistics in Medicine 17 (1998), pp. 873-890, method 10. With
 * intervals that account for boots, as given here, the result does too.
 */
export function newcombe(from: Interval, to: Interval): Interval {
  const rate = to.rate - from.rate;
  const down = Math.hypot(to.rate - to.low, from.high - from.rate);
  const up = Math.hypot(to.high - to.rate, from.rate - from.low);
  return { rate, low: rate - down, high: rate + up };
}

/**
 * Whether chance can cause a difference of these rates; only such p-values enter the correction. Where both sides
 * always froze, or never did, there is no difference to mistake for a real one.
 */
export const canDiffer = (a: Interval, b: Interval): boolean =>
  a.rate !== b.rate || (a.rate !== 0 && a.rate !== 1);
