import type { Sampling } from '../matrix/matrix.ts';
import type { TrialRecord } from '../record/schema.ts';
import { countedOutcomes, isSuccess } from '../trial/outcome.ts';
import { confidenceSequence } from './confidence.ts';
import type { Cluster } from './interval.ts';

/** Whether a rate is known as well as was asked for. Bounds are those of a confidence sequence. */
export function isEnough(
  { min, halfWidth }: Sampling,
  cell: { readonly trials: number; readonly low: number | null; readonly high: number | null },
): boolean {
  const { trials, low, high } = cell;
  return trials >= min && low !== null && high !== null && high - low <= 2 * halfWidth;
}

/** Follows the trials of a run and says of which cells no more are needed. */
export interface Stopping {
  isDecided(cell: string): boolean;
  /** Takes a record, and tells whether its cell needs no more from now on. A cell that is decided stays so. */
  add(record: Pick<TrialRecord, 'cell' | 'outcome' | 'machine'>): boolean;
}

/** Follows the trials of a run and tells which cells need no more. Without a sampling no cell is told. */
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
