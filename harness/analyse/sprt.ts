import type { TrialRecord } from '../record/schema.ts';
import { countedOutcomes, isSuccess } from '../trial/outcome.ts';
import { clusteredRate } from './interval.ts';
import type { Stopping } from './sampler.ts';

/** A kernel is good at this rate or above, bad at that rate or below; in between either verdict may be given. */
export interface Hypotheses {
  readonly good: number;
  readonly bad: number;
}

/** The probability of a wrong verdict, for each of the two verdicts. */
const error = 0.01;
const limit = Math.log((1 - error) / error);

/**
 * A. Wald's sequential probability ratio test (Annals of Mathematical Statistics 16, 1945, pp. 117-186) of a cell's
 * rate: after each trial it compares the likelihoods of the two rates, until one is 99 times the other. A clear case
 * takes few trials, and each verdict is wrong in about one case in a hundred. Trials in one boot are not independent:
 * the test uses their effective number (`clusteredRate`), and so asks for more boots.
 */
export class Sprt implements Stopping {
  readonly #of: Hypotheses;
  readonly #boots = new Map<string, { frozen: number; trials: number }>();
  #verdict: 'good' | 'bad' | null = null;

  constructor(of: Hypotheses) {
    this.#of = of;
  }

  /** Null: not known yet. */
  get verdict(): 'good' | 'bad' | null {
    return this.#verdict;
  }

  isDecided(): boolean {
    return this.#verdict !== null;
  }

  add({ outcome, machine }: Pick<TrialRecord, 'outcome' | 'machine'>): boolean {
    if (this.#verdict !== null || !countedOutcomes.has(outcome)) return false;
    let boot = this.#boots.get(machine.boot);
    if (boot === undefined) this.#boots.set(machine.boot, (boot = { frozen: 0, trials: 0 }));
    boot.trials++;
    if (isSuccess(outcome)) boot.frozen++;
    const clusters = [...this.#boots.values()];
    const trials = clusters.reduce((sum, one) => sum + one.trials, 0);
    const { rate, deff } = clusteredRate(clusters)!;
    const log = (trials / deff) * this.#logRatio(rate);
    if (Math.abs(log) < limit) return false;
    this.#verdict = log > 0 ? 'bad' : 'good';
    return true;
  }

  /** The logarithm of the likelihood of the bad rate over that of the good one, per trial, at this share. */
  #logRatio(rate: number): number {
    const { good, bad } = this.#of;
    return rate * Math.log(bad / good) + (1 - rate) * Math.log((1 - bad) / (1 - good));
  }
}
