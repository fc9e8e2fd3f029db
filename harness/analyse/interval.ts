import { betaQuantile, studentQuantile } from './beta.ts';

/** A rate between 0 and 1 with its confidence interval. */
export interface Interval {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % quantile of the normal distribution: intervals are two-sided 95 %. */
const z95 = 1.959963984540054;

/**
 * Wilson's score interval of `successes` in `trials` (E. B. Wilson, JASA 22, 1927, pp. 209-212). Unlike the textbook p
 * ± 1.96 s it holds for few trials and for rates of 0 and 1. Both counts may be fractions, such as an effective number
 * of trials. `z` is the quantile for 95 %. Undefined for no trials.
 */
export function wilson(successes: number, trials: number, z: number = z95): Interval | undefined {
  if (trials <= 0) return undefined;
  const rate = successes / trials;
  const zz = z * z;
  const middle = (successes + zz / 2) / (trials + zz);
  const half = (z / (trials + zz)) * Math.sqrt((successes * (trials - successes)) / trials + zz / 4);
  // exact ends where rounding would be off by 1e-17
  return {
    rate,
    low: successes === 0 ? 0 : Math.max(0, middle - half),
    high: successes === trials ? 1 : Math.min(1, middle + half),
  };
}

/**
 * The interval of C. J. Clopper and E. S. Pearson (Biometrika 26, 1934, pp. 404-413). It is wider than Wilson's and
 * contains the rate in at least 95 % of cases whatever the rate. Undefined for no trials.
 */
export function clopperPearson(successes: number, trials: number): Interval | undefined {
  if (trials <= 0) return undefined;
  const failures = trials - successes;
  return {
    rate: successes / trials,
    low: successes === 0 ? 0 : betaQuantile(0.025, successes, failures + 1),
    high: failures === 0 ? 1 : betaQuantile(0.975, successes + 1, failures),
  };
}

/** The counted trials of one boot. */
export interface Cluster {
  readonly frozen: number;
  readonly trials: number;
}

/**
 * The intra-class correlation of trials in one boot: the part of their variance that lies between boots. 0 when boots
 * differ by chance alone (negative when they differ less than by chance), 1 when all trials of each boot end alike.
 * Uses the analysis-of-variance estimator (M. S. Ridout, C. G. B. Demétrio and D. Firth, Biometrics 55, 1999, pp.
 * 137-148). Null where it cannot be estimated: fewer than two boots, one trial in each, or all trials alike.
 */
export function intraClass(clusters: readonly Cluster[]): number | null {
  const boots = clusters.filter(({ trials }) => trials > 0);
  const { trials, frozen, perBoot } = totals(boots);
  if (boots.length < 2 || trials === boots.length || frozen === 0 || frozen === trials) return null;
  const rate = frozen / trials;
  const size = (trials - perBoot) / (boots.length - 1);
  let [between, within] = [0, 0];
  for (const one of boots) {
    const own = one.frozen / one.trials;
    between += one.trials * (own - rate) ** 2;
    within += one.frozen * (1 - own);
  }
  between /= boots.length - 1;
  within /= trials - boots.length;
  return (between - within) / (between + (size - 1) * within);
}

/** `perBoot`: the mean over trials of the size of their boot. */
function totals(clusters: readonly Cluster[]): { trials: number; frozen: number; perBoot: number } {
  let [trials, frozen, squares] = [0, 0, 0];
  for (const one of clusters) {
    trials += one.trials;
    frozen += one.frozen;
    squares += one.trials ** 2;
  }
  return { trials, frozen, perBoot: trials === 0 ? 0 : squares / trials };
}

/** The correlation assumed for trials in one boot; it has the weight of one boot. */
const assumedIcc = 0.1;

/** A rate whose interval accounts for boots. */
export interface ClusteredRate extends Interval {
  /** See `intraClass`. */
  readonly icc: number | null;
  /** The design effect: the number of trials that count as one independent trial, at least 1. */
  readonly deff: number;
  /** The part of the rate's variance that lies between boots, from 0 to 1. */
  readonly between: number;
  /** The number of independent trials that would give an interval of this width. */
  readonly effective: number;
}

/**
 * The rate of clustered trials and its 95 % interval: Wilson's on `trials / deff` effective trials, with the quantile
 * of Student's t in place of the normal one.
 *
 * A handful of boots says little about their correlation, and nothing when all trials end alike. So the estimate is
 * averaged with an assumed correlation of 0.1: with m boots and y trials of the rarer outcome, the estimate has weight
 * i = min(m - 1, y - 1), the assumed value weight 1. With s the size of a trial's boot:
 *
 *     icc  = (i max(0, estimate) + 0.1) / (i + 1)
 *     deff = 1 + (s - 1) icc                              (L. Kish, Survey Sampling, 1965)
 *     df   = max(2, m - 1) / b²,  b = s icc / deff        b: the part of the variance between boots
 *
 * It was chosen by simulation, see interval.simulation.test.ts and docs/reference/outcomes.md: it contains the rate in
 * 95 % of cases on average over 4 to 10 boots of 5 to 25 trials with an icc up to 0.2. A beta-binomial likelihood does
 * as well, but counts boots that all agree as one trial each. Undefined for no trials.
 */
export function clusteredRate(clusters: readonly Cluster[]): ClusteredRate | undefined {
  const boots = clusters.filter(({ trials }) => trials > 0);
  const { trials, frozen, perBoot } = totals(boots);
  if (trials === 0) return undefined;
  const icc = intraClass(boots);
  const known = icc === null ? 0 : Math.min(boots.length, frozen, trials - frozen) - 1;
  const weighed = (known * Math.max(0, icc ?? 0) + assumedIcc) / (known + 1);
  const deff = 1 + (perBoot - 1) * weighed;
  const between = perBoot === 1 ? 0 : (perBoot * weighed) / deff;
  const df = Math.max(2, boots.length - 1) / between ** 2;
  // above a million degrees of freedom, t equals the normal distribution to seven digits
  const z = df > 1e6 ? z95 : studentQuantile(0.975, df);
  const interval = wilson(frozen / deff, trials / deff, z)!;
  const effective = (trials / deff) * (z95 / z) ** 2;
  return { ...interval, rate: frozen / trials, icc, deff, between, effective };
}

/**
 * The quantile of sorted values by nearest rank: the smallest value that at least the share `q` does not exceed, so
 * always a measured one. Null for no values.
 */
export function quantile(sorted: ArrayLike<number>, q: number): number | null {
  if (sorted.length === 0) return null;
  // 0.95 * 20 is 19.000000000000004 in binary: without the slack it would be rank 20 of 20
  const rank = Math.ceil(q * sorted.length - 1e-9);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? null;
}
