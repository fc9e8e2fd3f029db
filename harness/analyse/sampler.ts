import type { Sampling } from '../matrix/matrix.ts';
import type { TrialRecord } from '../record/schema.ts';
import { countedOutcomes, isSuccess } from '../trial/outcome.ts';
import { confidenceSequence } from './confidence.ts';
import type { Cluster } from './interval.ts';

/** Whether the bounds, those of a confidence sequence, are as narrow as requested. */
export function isEnough(
  { min, halfWidth }: Sampling,
  cell: { readonly trials: number; readonly low: number | null; readonly high: number | null },
): boolean {
  const { trials, low, high } = cell;
  return trials >= min && low !== null && high !== null && high - low <= 2 * halfWidth;
}

/** Follows the trials of a run and decides which cells need no more. */
export interface Stopping {
  isDecided(cell: string): boolean;
  /** Adds a record; returns whether its cell needs no more trials from now on. A decided cell stays decided. */
  add(record: Pick<TrialRecord, 'cell' | 'outcome' | 'machine'>): boolean;
}

/** Follows the trials of a run and decides which cells need no more. Without a sampling no cell is ever decided. */
export class Sampler implements Stopping {
  readonly #sampling: Sampling | null;
  readonly #cells = new Map<string, Map<string, { frozen: number; trials: number }>>();
  readonly #decided = new Set<string>();

  constructor(sampling: Sampling | null) {
    this.#sampling = sampling;
  }

  isDecided(cell: string): boolean {
    return this.#decided.has(cell);
  }

  add({ cell, outcome, machine }: Pick<TrialRecord, 'cell' | 'outcome' | 'machine'>): boolean {
    if (this.#sampling === null || !countedOutcomes.has(outcome)) return false;
    let boots = this.#cells.get(cell);
    if (boots === undefined) this.#cells.set(cell, (boots = new Map()));
    let boot = boots.get(machine.boot);
    if (boot === undefined) boots.set(machine.boot, (boot = { frozen: 0, trials: 0 }));
    boot.trials++;
    if (isSuccess(outcome)) boot.frozen++;
    if (this.#decided.has(cell) || !this.#suffices([...boots.values()])) return false;
    this.#decided.add(cell);
    return true;
  }

  #suffices(clusters: readonly Cluster[]): boolean {
    const trials = clusters.reduce((sum, one) => sum + one.trials, 0);
    if (this.#sampling === null || trials < this.#sampling.min) return false;
    const { low, high } = confidenceSequence(clusters)!;
    return isEnough(this.#sampling, { trials, low, high });
  }
}
