import { testBoots } from './boots.ts';
import { significance } from './compare.ts';
import { clusteredRate, type Cluster } from './interval.ts';

/** Quantiles of the normal distribution: a two-sided error of 5 %, and a power of 80 %. */
const z = { error: 1.959963984540054, power: 0.8416212335729143 };

/**
 * The number of independent trials on each side with which a two-sided test of two rates at p <= 0.05 finds the
 * difference in 80 % of cases (J. L. Fleiss, "Statistical Methods for Rates and Proportions", 2nd ed. 1981, chapter 3,
 * without continuity correction). Infinity for equal rates.
 */
export function trialsForPower(a: number, b: number): number {
  const middle = (a + b) / 2;
  const spread =
    z.error * Math.sqrt(2 * middle * (1 - middle)) + z.power * Math.sqrt(a * (1 - a) + b * (1 - b));
  return (spread / (a - b)) ** 2;
}

/**
 * How many trials of each of two cells would show that the second has the higher rate, if the true rates were those
 * observed (after adding one success and one failure to each side, as `testBoots` does) and each boot had as many
 * trials as now. 0 when they show it already; Infinity when so few trials show nothing.
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
