import { betaQuantile, studentQuantile } from '../analyse/beta.ts';
import { confidenceSequence } from '../analyse/confidence.ts';
import { clusteredRate, wilson, type Cluster } from '../analyse/interval.ts';
import { isEnough } from '../analyse/sampler.ts';
import type { Sampling } from '../matrix/matrix.ts';
import { roundsOf } from '../schedule/rounds.ts';
import { randomOf } from './random.ts';

type Bounds = readonly [low: number, high: number];
export type Candidate = (clusters: readonly Cluster[]) => Bounds;

/** The trials that a simulation draws: beta-binomial, with the given rate and intra-class correlation. */
export interface Scenario {
  readonly boots: number;
  readonly trials: number;
  readonly rate: number;
  readonly icc: number;
}

/** Every combination of 4, 6 or 10 boots of 5, 10 or 25 trials with rates from 5 to 99 %. */
export function scenarios(icc: number): Scenario[] {
  return [4, 6, 10].flatMap((boots) =>
    [5, 10, 25].flatMap((trials) =>
      [0.05, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99].map((rate) => ({ boots, trials, rate, icc })),
    ),
  );
}

/** The share of intervals that contain the rate, and their mean width. */
export interface Coverage {
  readonly held: number;
  readonly width: number;
}

/** Draws `times` cells and computes their intervals. Deterministic. */
export function cover(candidate: Candidate, scenario: Scenario, times: number): Coverage {
  const { boots, trials, rate, icc } = scenario;
  const random = randomOf(boots * 1e6 + trials * 1e3 + Math.round(rate * 100) + Math.round(icc * 1e8));
  let [held, width] = [0, 0];
  for (let n = 0; n < times; n++) {
    const clusters = Array.from({ length: boots }, () => drawBoot({ trials, rate, icc }, random));
    const [low, high] = candidate(clusters);
    if (low <= rate && rate <= high) held++;
    width += high - low;
  }
  return { held: held / times, width: width / times };
}

/**
 * For runs that stop once their bounds are narrow: how often the bounds held the rate at every trial (`always`), and
 * the mean number of trials.
 */
export interface Stopped {
  readonly always: number;
  /** How often the interval for a fixed number of trials contained the rate at the stop. */
  readonly fixed: number;
  readonly trials: number;
}

/** Runs a cell `times` times until its rate is known as precisely as the sampling asks, in rounds of five boots. */
export function stop(of: Omit<Scenario, 'boots' | 'trials'>, sampling: Sampling, times: number): Stopped {
  const random = randomOf(Math.round(of.rate * 100) + Math.round(of.icc * 1e4));
  let [always, fixed, trials] = [0, 0, 0];
  for (let n = 0; n < times; n++) {
    const { clusters, isHeld } = stopOnce(of, sampling, random);
    const { low, high } = clusteredRate(clusters)!;
    if (isHeld) always++;
    if (low <= of.rate && of.rate <= high) fixed++;
    trials += sum(clusters).trials;
  }
  return { always: always / times, fixed: fixed / times, trials: trials / times };
}

function stopOnce(
  { rate, icc }: Omit<Scenario, 'boots' | 'trials'>,
  sampling: Sampling,
  random: () => number,
): { clusters: readonly Cluster[]; isHeld: boolean } {
  const clusters: { frozen: number; trials: number; rate: number }[] = [];
  let isHeld = true;
  for (const { from, to } of roundsOf({ trials: 200, sampling })) {
    const boots = Array.from({ length: 5 }, () => ({
      frozen: 0,
      trials: 0,
      rate: drawRate(rate, icc, random),
    }));
    clusters.push(...boots);
    for (let trial = from; trial < to; trial++) {
      const boot = boots[(trial - from) % 5]!;
      boot.trials++;
      if (random() < boot.rate) boot.frozen++;
      const { low, high } = confidenceSequence(clusters)!;
      if (rate < low || rate > high) isHeld = false;
      if (isEnough(sampling, { trials: trial + 1, low, high })) return { clusters, isHeld };
    }
  }
  return { clusters, isHeld };
}

/** The intervals that were compared; the first is in use. */
export const candidates: Readonly<Record<string, Candidate>> = {
  'weighed correlation, t': (clusters) => boundsOf(clusteredRate(clusters)!),
  'independent trials (Wilson)': (clusters) => {
    const { frozen, trials } = sum(clusters);
    return boundsOf(wilson(frozen, trials)!);
  },
  'design effect (Rao and Scott 1992)': (clusters) => {
    const { frozen, trials } = sum(clusters);
    const deff = designEffect(clusters);
    return boundsOf(wilson(frozen / deff, trials / deff)!);
  },
  'Korn and Graubard 1998': (clusters) => {
    const { frozen, trials } = sum(clusters);
    const t = studentQuantile(0.975, trials - 1) / studentQuantile(0.975, clusters.length - 1);
    const n = Math.min(trials, (trials / designEffect(clusters)) * t ** 2);
    const x = (frozen / trials) * n;
    return [
      frozen === 0 ? 0 : betaQuantile(0.025, x, n - x + 1),
      frozen === trials ? 1 : betaQuantile(0.975, x + 1, n - x),
    ];
  },
  'bootstrap of boots, percentiles': (clusters) => {
    const random = randomOf(1);
    const rates = Array.from({ length: 400 }, () => {
      const drawn = clusters.map(() => clusters[Math.floor(random() * clusters.length)]!);
      const { frozen, trials } = sum(drawn);
      return frozen / trials;
    }).sort((a, b) => a - b);
    return [rates[10]!, rates[389]!];
  },
  'beta-binomial profile likelihood': profileLikelihood,
};

const boundsOf = ({ low, high }: { low: number; high: number }): Bounds => [low, high];

const sum = (clusters: readonly Cluster[]): Cluster =>
  clusters.reduce((all, one) => ({ frozen: all.frozen + one.frozen, trials: all.trials + one.trials }));

/** The variance of sum(x) / sum(n) between boots, relative to that of as many independent trials; at least 1. */
function designEffect(clusters: readonly Cluster[]): number {
  const { frozen, trials } = sum(clusters);
  if (frozen === 0 || frozen === trials) return 1;
  const rate = frozen / trials;
  const squares = clusters.reduce((all, one) => all + (one.frozen - rate * one.trials) ** 2, 0);
  const { length } = clusters;
  return Math.max(1, ((length / (length - 1)) * squares) / (rate * (1 - rate) * trials));
}

/** The rates whose profile likelihood (at the best correlation for each) is within chi-square's 95 % of the maximum. */
function profileLikelihood(clusters: readonly Cluster[]): Bounds {
  const most = Math.max(...clusters.map(({ trials }) => trials));
  const count = (of: (one: Cluster) => number): number[] =>
    Array.from({ length: most }, (_, i) => clusters.filter((one) => of(one) > i).length);
  const frozen = count((one) => one.frozen);
  const failed = count((one) => one.trials - one.frozen);
  const all = count((one) => one.trials);
  const rates = Array.from({ length: 120 }, (_, i) => Math.sin((((i + 0.5) / 120) * Math.PI) / 2) ** 2);
  const profile = rates.map((rate) =>
    Math.max(
      ...[0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9].map((icc) => {
        const step = icc / (1 - icc);
        let log = 0;
        for (let i = 0; i < most; i++) {
          if (frozen[i]! > 0) log += frozen[i]! * Math.log(rate + i * step);
          if (failed[i]! > 0) log += failed[i]! * Math.log(1 - rate + i * step);
          log -= all[i]! * Math.log1p(i * step);
        }
        return log;
      }),
    ),
  );
  const best = Math.max(...profile);
  const inside = rates.filter((_, i) => 2 * (best - profile[i]!) <= 3.841458820694124);
  return [rates[0] === inside[0] ? 0 : inside[0]!, rates.at(-1) === inside.at(-1) ? 1 : inside.at(-1)!];
}

function drawBoot({ trials, rate, icc }: Omit<Scenario, 'boots'>, random: () => number): Cluster {
  const own = drawRate(rate, icc, random);
  let frozen = 0;
  for (let i = 0; i < trials; i++) if (random() < own) frozen++;
  return { frozen, trials };
}

/** Draws the rate of one boot. */
function drawRate(rate: number, icc: number, random: () => number): number {
  if (icc === 0) return rate;
  const size = (1 - icc) / icc;
  const [a, b] = [gamma(rate * size, random), gamma((1 - rate) * size, random)];
  return a + b > 0 ? a / (a + b) : Number(random() < rate);
}

/** A gamma variate: G. Marsaglia and W. W. Tsang, ACM Transactions on Mathematical Software 26 (2000), pp. 363-372. */
function gamma(shape: number, random: () => number): number {
  if (shape < 1) return gamma(shape + 1, random) * random() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
