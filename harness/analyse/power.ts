import { testBoots } from './boots.ts';
import { significance } from './compare.ts';
import { clusteredRate, type Cluster } from './interval.ts';

/** Quantiles of the normal distribution: an error of 5 % on both sides together, and a power of 80 %. */
const z = { error: 1.959963984540054, power: 0.8416212335729143 };

/**
 * Trials on each side, each worth an independent one, of which a test of two rates tells the difference in 80 % of cases, at
 * p <= 0.05 on two sides (J. L. Fleiss, "Statistical Methods for Rates and Proportions", 2nd ed. 1981, chapter 3, without
 * the correction for continuity). Infinity for equal rates.
 */
export function trialsForPower(a: number, b: number): number {
  const middle = (a + b) / 2;
  const spread =
    z.error * Math.sqrt(2 * middle * (1 - middle)) + z.power * Math.sqrt(a * (1 - a) + b * (1 - b));
  return (spread / (a - b)) ** 2;
}

/**
 * How many trials of each of two cells would tell that the second has the higher rate, were the rates those seen, after one
 * success and one failure more on each side as `testBoots` has them, and were as many trials in each boot as now. 0 when
 * they tell it already; Infinity when so few trials say nothing of it.
 */
export function trialsToTell(lower: readonly Cluster[], higher: readonly Cluster[]): number {
  const [a, b] = [sideOf(lower), sideOf(higher)];
  if (b.rate <= a.rate) return Infinity;
  const p = testBoots(lower, higher);
  if (p !== null && p <= significance) return 0;
  return Math.ceil(trialsForPower(a.rate, b.rate) * Math.max(a.deff, b.deff));
}

function sideOf(clusters: readonly Cluster[]): { readonly rate: number; readonly deff: number } {
  const frozen = clusters.reduce((sum, one) => sum + one.frozen, 0);
  const trials = clusters.reduce((sum, one) => sum + one.trials, 0);
  return { rate: (frozen + 1) / (trials + 2), deff: clusteredRate(clusters)?.deff ?? 1 };
}
