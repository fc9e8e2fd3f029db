import { quantiles, type QuantileName } from '../matrix/expectation.ts';
import { countedOutcomes, type Outcome } from '../trial/outcome.ts';
import { clusteredRate, quantile, type Cluster } from './interval.ts';
import type { CellSummary, Share, TimeQuantiles } from './summary.ts';
import { kaplanMeier, quantileInterval, type Step, type TimeQuantile } from './times.ts';
import type { Trial } from './trials.ts';

/** By boot: the number of trials, and of those for which `is` holds. */
export function clustersOf(trials: readonly Trial[], is: (trial: Trial) => boolean): Cluster[] {
  const boots = new Map<string, { frozen: number; trials: number }>();
  for (const trial of trials) {
    let cluster = boots.get(trial.boot);
    if (cluster === undefined) boots.set(trial.boot, (cluster = { frozen: 0, trials: 0 }));
    cluster.trials++;
    if (is(trial)) cluster.frozen++;
  }
  return [...boots.values()];
}

const crashed: ReadonlySet<Outcome> = new Set<Outcome>(['kernel-crash', 'kernel-hang']);

/** What the trials of a cell show besides the rate. */
export function sharesOf(all: readonly Trial[]): Pick<CellSummary, 'casualties' | 'thawed' | 'crashes'> {
  const thaws = all.filter(({ outcome, thaw }) => countedOutcomes.has(outcome) && thaw !== null);
  const tried = all.filter(({ outcome }) => countedOutcomes.has(outcome) || crashed.has(outcome));
  return {
    casualties: share(thaws, ({ thaw }) => thaw === 'casualties'),
    thawed: share(thaws, ({ thaw }) => thaw === 'thawed'),
    crashes: share(tried, ({ outcome }) => crashed.has(outcome)),
  };
}

function share(trials: readonly Trial[], is: (trial: Trial) => boolean): Share | null {
  const clusters = clustersOf(trials, is);
  const rate = clusteredRate(clusters);
  if (rate === undefined) return null;
  const count = clusters.reduce((sum, one) => sum + one.frozen, 0);
  return { rate: rate.rate, low: rate.low, high: rate.high, count, trials: trials.length };
}

/** The time to FROZEN; Infinity for a trial that did not freeze. */
const timeOf = ({ outcome, frozenUs }: Trial): number =>
  outcome === 'frozen' && frozenUs !== null ? frozenUs : Infinity;

/**
 * Quantiles and curve of the time to FROZEN. Trials that did not freeze all gave up at the same deadline, after the
 * last one that froze, so they are censored there. The interval of a quantile uses the effective number of trials of
 * the share that had frozen by that time, so it accounts for boots.
 */
export function timesOf(counted: readonly Trial[]): Pick<CellSummary, 'times' | 'curve'> {
  const toFreeze = counted.filter(({ outcome }) => outcome !== 'passed' && outcome !== 'failed');
  if (toFreeze.length === 0) return { times: null, curve: [] };
  const sorted = Float64Array.from(toFreeze, timeOf).sort();
  const times = Object.entries(quantiles).map(([name, q]): [string, TimeQuantile] => {
    const by = quantile(sorted, q)!;
    const clusters = clustersOf(toFreeze, (trial) => timeOf(trial) <= Math.min(by, Number.MAX_VALUE));
    return [name, quantileInterval(sorted, q, clusteredRate(clusters)!.effective)!];
  });
  const reached = sorted.filter((time) => time !== Infinity);
  const end = reached.at(-1) ?? 0;
  return {
    times: Object.fromEntries(times) as Record<QuantileName, TimeQuantile> satisfies TimeQuantiles,
    curve: thin(kaplanMeier(reached, new Float64Array(sorted.length - reached.length).fill(end))),
  };
}

const stepsKept = 64;

/** Evenly picks some of many steps, including the last: enough for the eye. */
function thin(steps: readonly Step[]): readonly Step[] {
  const every = Math.ceil(steps.length / stepsKept);
  return every <= 1 ? steps : steps.filter((_, i) => (steps.length - 1 - i) % every === 0);
}
