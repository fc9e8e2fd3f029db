import type { Sampling } from '../matrix/matrix.ts';

/** Trials `from` to `to - 1` of each cell, which are spread over machines of their own. */
export interface Round {
  /** From 0. */
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The rounds of a run. With a number of trials it is one. A cell that is measured until its rate is known has `min`
 * trials in the first; each further one adds half as many as there are, so that no more than a third of a cell's
 * trials are too many and its boots stay few.
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
