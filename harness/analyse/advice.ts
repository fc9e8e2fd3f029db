import { clusteredRate, type Cluster } from './interval.ts';

/** How a cell's trials would better be spread. Numbers of trials are effective ones, each worth an independent trial. */
export interface Advice {
  readonly boots: number;
  readonly trials: number;
  /** What the trials of this cell count as. */
  readonly now: number;
  /** What twice the machines with as many trials each would count as. */
  readonly twiceTheMachines: number;
  /** What the same machines with twice the trials each would count as. */
  readonly twiceTheTrials: number;
}

/**
 * Advice for a cell whose boots were seen to differ so much that most of its rate's variance lies between them: more
 * trials in the same number of boots leave that part as it is. Null for any other.
 */
export function advise(clusters: readonly Cluster[]): Advice | null {
  const rate = clusteredRate(clusters);
  if (rate === undefined || rate.icc === null || rate.icc <= 0 || rate.between <= 0.5) return null;
  const boots = clusters.filter(({ trials }) => trials > 0).length;
  const trials = clusters.reduce((sum, one) => sum + one.trials, 0);
  // the variance is that of `now` trials, of which twice the trials halve what is not between boots
  const now = trials / rate.deff;
  return {
    ...{ boots, trials, now },
    twiceTheMachines: 2 * now,
    twiceTheTrials: now / (1 - (1 - rate.between) / 2),
  };
}
