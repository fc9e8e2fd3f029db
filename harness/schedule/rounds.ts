import type { Sampling } from '../matrix/matrix.ts';

/** Trials `from` to `to - 1` of each cell, which run on machines of their own. */
export interface Round {
  /** From 0. */
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The rounds of a run: a single one if the number of trials is fixed. If cells are sampled until their rates are known,
 * the first round has `min` trials per cell, and each further one adds half as many as there are; so at most a third
 * of a cell's trials are superfluous, and its boots stay few.
 */
export function roundsOf({
  trials,
  sampling,
}: {
  readonly trials: number;
  readonly sampling: Sampling | null;
}): Round[] {
  const rounds: Round[] = [];
  for (let from = 0; from < trials; from = rounds.at(-1)!.to) {
    const to = sampling === null ? trials : Math.max(sampling.min, Math.ceil(from * 1.5));
    rounds.push({ number: rounds.length, from, to: Math.min(trials, to) });
  }
  return rounds;
}
