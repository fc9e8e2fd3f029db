import { studentTails } from './beta.ts';
import { fisherExact } from './exact.ts';
import { clusteredRate, type Cluster } from './interval.ts';

/**
 * The p-value of the difference of two rates: Student's t test of two clustered proportions with m1 + m2 - 2 degrees of
 * freedom for m1 and m2 boots (A. Donner and N. Klar, "Design and Analysis of Cluster Randomization Trials", 2000,
 * chapter 6). The variance of a rate is that of independent trials times the design effect of `clusteredRate`, after
 * adding one success and one failure to each side (A. Agresti and B. Caffo, The American Statistician 54, 2000, pp.
 * 280-288); otherwise rates of 0 and 1 would have no variance. With one trial per boot all trials are independent, and
 * Fisher's exact test is used. Null with a single boot on either side.
 *
 * A permutation test of boots would need no such model, but for five boots against five its smallest p-value is 0.0079:
 * corrected for the cells of a matrix, it would never find a difference.
 */
export function testBoots(from: readonly Cluster[], to: readonly Cluster[]): number | null {
  if (from.length < 2 || to.length < 2) return null;
  if ([...from, ...to].every((boot) => boot.trials === 1)) return fisherExact(sum(from), sum(to));
  const [a, b] = [smoothed(from), smoothed(to)];
  const t = (b.rate - a.rate) / Math.sqrt(a.variance + b.variance);
  return studentTails(t, from.length + to.length - 2);
}

function smoothed(boots: readonly Cluster[]): { readonly rate: number; readonly variance: number } {
  const { frozen, trials } = sum(boots);
  const rate = (frozen + 1) / (trials + 2);
  return { rate, variance: (clusteredRate(boots)!.deff * rate * (1 - rate)) / (trials + 2) };
}

const sum = (clusters: readonly Cluster[]): Cluster =>
  clusters.reduce((all, one) => ({
    frozen: all.frozen + one.frozen,
    trials: all.trials + one.trials,
  }));
