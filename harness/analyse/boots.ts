import { designEffect, type Cluster } from './interval.ts';

/**
 * The probability of rates so far apart, or farther, if both were one: Student's t test of two clustered
 * proportions with m1 + m2 - 2 degrees of freedom for m1 and m2 boots (A. Donner and N. Klar, "Design and
 * Analysis of Cluster Randomization Trials", 2000, chapter 6). A rate's variance is that of independent trials
 * times the design effect, after one success and one failure more on each side (A. Agresti and B. Caffo, The
 * American Statistician 54, 2000, pp. 280-288), or rates of 0 and 1 would have none. Null with a single boot on
 * either side.
 *
 * An exchange of boots needs no such model, but of five boots and five it says 0.0079 at the least: corrected
 * for the cells of a matrix no difference would ever be told.
 */
export function testBoots(from: readonly Cluster[], to: readonly Cluster[]): number | null {
  if (from.length < 2 || to.length < 2) return null;
  const [a, b] = [smoothed(from), smoothed(to)];
  const t = (b.rate - a.rate) / Math.sqrt(a.variance + b.variance);
  return outsideT(Math.abs(t), from.length + to.length - 2);
}

function smoothed(boots: readonly Cluster[]): { readonly rate: number; readonly variance: number } {
  const trials = boots.reduce((sum, one) => sum + one.trials, 2);
  const rate = boots.reduce((sum, one) => sum + one.frozen, 1) / trials;
  return { rate, variance: ((designEffect(boots) ?? 1) * rate * (1 - rate)) / trials };
}

/**
 * The probability that Student's t with whole degrees of freedom is beyond -t or t: the finite sums 26.7.3 and
 * 26.7.4 of M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions".
 */
export function outsideT(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const cosine = Math.cos(angle);
  const odd = degrees % 2;
  let term = odd === 1 ? cosine : 1;
  let sum = 0;
  for (let k = odd === 1 ? 3 : 2; k <= degrees; k += 2) {
    sum += term;
    term *= (cosine * cosine * (k - 1)) / k;
  }
  const within = odd === 1 ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  return Math.max(0, 1 - within);
}

/**
 * Holm's correction (Scandinavian Journal of Statistics 6, 1979, pp. 65-70): each p-value as it is to be read when all
 * of them were looked at. Those that are at most 0.05 hold together with an error of at most 0.05, whatever depends
 * on what.
 */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const adjusted = values.map(() => 1);
  let before = 0;
  for (const [rank, i] of order.entries()) {
    before = Math.max(before, Math.min(1, (values.length - rank) * values[i]!));
    adjusted[i] = before;
  }
  return adjusted;
}
