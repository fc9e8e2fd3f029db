/** A rate between 0 and 1 with its confidence interval. */
export interface Interval {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % quantile of the normal distribution: intervals are of 95 %. */
const z95 = 1.959963984540054;

/**
 * Wilson's score interval of `successes` in `trials` (E. B. Wilson, JASA 22, 1927, pp. 209-212). Unlike
 * the textbook p ± 1.96 s it holds for few trials and for rates of 0 and 1. Both may be fractions: an
 * effective number of trials is one. Undefined for no trials.
 */
export function wilson(successes: number, trials: number): Interval | undefined {
  if (trials <= 0) return undefined;
  const rate = successes / trials;
  const zz = z95 * z95;
  const middle = (successes + zz / 2) / (trials + zz);
  const half = (z95 / (trials + zz)) * Math.sqrt((successes * (trials - successes)) / trials + zz / 4);
  // the ends are exact where rounding would leave 1e-17 beside them
  return {
    rate,
    low: successes === 0 ? 0 : Math.max(0, middle - half),
    high: successes === trials ? 1 : Math.min(1, middle + half),
  };
}

/** The counted trials of one boot. */
export interface Cluster {
  readonly frozen: number;
  readonly trials: number;
}

/**
 * The design effect of trials that come in clusters: by how much the variance of the rate between boots
 * is larger than if all trials were independent; 1 at least. It is the variance of the ratio estimator
 * sum(x) / sum(n) over the binomial variance, as in Rao and Scott, "A simple method for the analysis of
 * clustered binary data", Biometrics 48 (1992), pp. 577-585:
 *
 *     v    = m / (m - 1) * sum((x_j - p n_j)^2) / n^2        over m boots
 *     deff = v / (p (1 - p) / n)
 *
 * Null where it cannot be told: fewer than two boots, or a rate of 0 or 1. From a handful of boots it
 * is a rough estimate itself, and with one boot the interval knows nothing of what boots differ by.
 */
export function designEffect(clusters: readonly Cluster[]): number | null {
  const boots = clusters.filter(({ trials }) => trials > 0);
  const trials = boots.reduce((sum, one) => sum + one.trials, 0);
  const frozen = boots.reduce((sum, one) => sum + one.frozen, 0);
  if (boots.length < 2 || frozen === 0 || frozen === trials) return null;
  const rate = frozen / trials;
  const squares = boots.reduce((sum, one) => sum + (one.frozen - rate * one.trials) ** 2, 0);
  const between = ((boots.length / (boots.length - 1)) * squares) / trials ** 2;
  return Math.max(1, between / ((rate * (1 - rate)) / trials));
}

/** The rate of trials in clusters, its Wilson interval on `trials / deff` effective trials, and deff itself. */
export function clusteredRate(
  clusters: readonly Cluster[],
): (Interval & { readonly deff: number | null }) | undefined {
  const trials = clusters.reduce((sum, one) => sum + one.trials, 0);
  const frozen = clusters.reduce((sum, one) => sum + one.frozen, 0);
  const deff = designEffect(clusters);
  const interval = wilson(frozen / (deff ?? 1), trials / (deff ?? 1));
  return interval && { ...interval, rate: frozen / trials, deff };
}

/**
 * The quantile of sorted values by nearest rank: the smallest value that at least the share `q` does
 * not exceed, so always one that was measured. Null for no values.
 */
export function quantile(sorted: ArrayLike<number>, q: number): number | null {
  if (sorted.length === 0) return null;
  // 0.95 * 20 is 19.000000000000004 in binary: without the slack it would be rank 20 of 20
  const rank = Math.ceil(q * sorted.length - 1e-9);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? null;
}
