import { clusteredRate, type Cluster } from './interval.ts';

/** How best to spread the trials of a cell. Numbers are effective trials: each is worth one independent trial. */
export interface Advice {
  readonly boots: number;
  readonly trials: number;
  /** The effective number of trials this cell has now. */
  readonly now: number;
  /** The effective number with twice the machines, each running as many trials as now. */
  readonly twiceTheMachines: number;
  /** The effective number with the same machines, each running twice the trials. */
  readonly twiceTheTrials: number;
}

/**
 * Advice for a cell whose boots differ so much that most of the variance of its rate lies between boots: more trials in
 * the same number of boots do not reduce that part. Null for any other cell.
 */
export function advise(clusters: readonly Cluster[]): Advice | null {
  const rate = clusteredRate(clusters);
  if (rate === undefined || rate.icc === null || rate.icc <= 0 || rate.between <= 0.5) return null;
  const boots = clusters.filter(({ trials }) => trials > 0).length;
  const trials = clusters.reduce((sum, one) => sum + one.trials, 0);
  // the variance is that of `now` trials; doubling the trials halves only the part that does not lie between boots
  const now = trials / rate.deff;
  return {
    ...{ boots, trials, now },
    twiceTheMachines: 2 * now,
    twiceTheTrials: now / (1 - (1 - rate.between) / 2),
  };
}
