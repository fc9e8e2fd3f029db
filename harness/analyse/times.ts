import { betaCdf } from './beta.ts';
import { quantile } from './interval.ts';

/** A quantile with its 95 % interval. Infinity: so many trials never got there that the quantile is among them. */
export interface TimeQuantile {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** P(X <= k) of X successes in n trials of probability p each. */
function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  return k >= n ? 1 : betaCdf(1 - p, n - k, k + 1);
}

/**
 * The quantile `q` of sorted values by nearest rank, with a distribution-free interval: the order statistics between
 * which the true quantile lies in at least 95 % of cases, since the number of values below it is binomial (H. A. David
 * and H. N. Nagaraja, Order Statistics, 2003, 7.1). With too few values, a bound is 0 or Infinity: times are
 * non-negative. `effective` is the effective number of values, at most the actual one: `values / deff` in clusters.
 * Null for no values.
 */
export function quantileInterval(
  sorted: ArrayLike<number>,
  q: number,
  effective: number = sorted.length,
): TimeQuantile | null {
  const count = sorted.length;
  const value = quantile(sorted, q);
  if (value === null) return null;
  const n = Math.max(1, Math.min(count, Math.floor(effective + 1e-9)));
  const [low, high] = ranks(n, q);
  // with fewer effective values each value stands for count / n of them: takes the outer one
  const below = low === 0 ? 0 : Math.floor(((low - 1) * count) / n) + 1;
  const above = Math.ceil((high * count) / n - 1e-9);
  return {
    value,
    low: below === 0 ? 0 : sorted[below - 1]!,
    high: high > n ? Infinity : sorted[above - 1]!,
  };
}

/** The 1-based ranks of the bounds among n values; 0 and n + 1 where there is none. */
function ranks(n: number, q: number): [low: number, high: number] {
  // the smallest k with P(X <= k) of at least 2.5 % and 97.5 %
  const least = (share: number): number => {
    let [from, to] = [0, n];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (binomialCdf(middle, n, q) >= share) to = middle;
      else from = middle + 1;
    }
    return from;
  };
  return [least(0.025), least(0.975) + 1];
}

/** A step of a curve: from `at` on, `share` of all have got there, within [low, high]. */
export interface Step {
  readonly at: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The share that has got there by each time: one minus the estimator of E. L. Kaplan and P. Meier (JASA 53, 1958, pp.
 * 457-481), with a step at each time at which one did. `censored` are the times until which others were observed in
 * vain. The 95 % interval uses Greenwood's variance on the log(-log) scale, which keeps it in [0, 1]. At the step where
 * the last one has got there it has no width on that scale; there it is [low of the step before, 1].
 */
export function kaplanMeier(reached: ArrayLike<number>, censored: ArrayLike<number>): Step[] {
  const [events, ends] = [Float64Array.from(reached).sort(), Float64Array.from(censored).sort()];
  const steps: Step[] = [];
  let [survival, greenwood, left] = [1, 0, 0];
  for (let i = 0; i < events.length;) {
    const at = events[i]!;
    while (left < ends.length && ends[left]! < at) left++;
    const atRisk = events.length - i + ends.length - left;
    let count = 0;
    while (events[i + count] === at) count++;
    survival *= (atRisk - count) / atRisk;
    greenwood += count / (atRisk * (atRisk - count));
    steps.push(stepOf(at, survival, { greenwood, before: steps.at(-1)?.low ?? 0 }));
    i += count;
  }
  return steps;
}

function stepOf(at: number, survival: number, of: { greenwood: number; before: number }): Step {
  if (survival === 0) return { at, share: 1, low: of.before, high: 1 };
  const log = Math.log(survival);
  const half = (1.959963984540054 * Math.sqrt(of.greenwood)) / Math.abs(log);
  return {
    at,
    share: 1 - survival,
    low: 1 - survival ** Math.exp(-half),
    high: 1 - survival ** Math.exp(half),
  };
}
