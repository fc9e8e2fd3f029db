import type { Stopping } from '../analyse/sampler.ts';
import type { Listener } from '../events.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { trialKey } from '../record/finished.ts';

/** Why some trials of a cell are missing; kept in run.json for reports. */
export interface Problem {
  readonly cell: string;
  readonly trials: number;
  readonly reason: string;
}

/** What a run is to do, and what of it is done already. */
interface Plan {
  readonly matrix: Matrix;
  readonly cells: readonly Cell[];
  /** By `trialKey`. */
  readonly finished: ReadonlySet<string>;
  readonly sampler: Stopping;
  readonly emit: Listener;
}

/** Counts the trials left for each cell, and records why some will not be run. Emits the end of each cell. */
export class Remaining {
  readonly #plan: Plan;
  readonly #left = new Map<string, number>();
  /** By cell and reason. */
  readonly #problems = new Map<string, Problem>();

  constructor(plan: Plan) {
    this.#plan = plan;
    for (const cell of plan.cells) {
      const left = plan.sampler.isDecided(cell.id) ? 0 : this.from(cell, 0);
      this.#left.set(cell.id, left);
    }
  }

  get problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }

  /** Trials left in all cells. */
  get trials(): number {
    return [...this.#left.values()].reduce((sum, one) => sum + one, 0);
  }

  of({ id }: Cell): number {
    return this.#left.get(id) ?? 0;
  }

  /** Counts a cell's trials with numbers from `from` on that were not finished before this run. */
  from({ id }: Cell, from: number): number {
    const { finished, matrix } = this.#plan;
    let count = 0;
    for (let trial = from; trial < matrix.trials; trial++) if (!finished.has(trialKey(id, trial))) count++;
    return count;
  }

  /** These trials will not be run. */
  skip(cell: Cell, trials: number, reason: string): void {
    const key = `${cell.id} ${reason}`;
    const before = this.#problems.get(key)?.trials ?? 0;
    this.#problems.set(key, { cell: cell.id, trials: before + trials, reason });
    this.settle(cell, trials, reason);
  }

  /** These trials are no longer needed. */
  save(cell: Cell, trials: number): void {
    this.#plan.emit({ kind: 'trials-saved', cell, trials });
    this.settle(cell, trials, null);
  }

  /** These trials are settled: with a result, or without one for `reason`. */
  settle(cell: Cell, trials: number, reason: string | null): void {
    const left = this.of(cell) - trials;
    this.#left.set(cell.id, left);
    if (left === 0) this.#plan.emit({ kind: 'cell-finished', cell, reason });
  }
}
