import { availableParallelism } from 'node:os';

/** Machines, beyond one per core, that are made ready while others have their turns. */
const readyAhead = 2;

/** How slots run their work. */
export interface SlotsOptions<W> {
  /** How long this work mostly waits, ms; 0: it is busy. */
  readonly waitOf: (work: W) => number;
  /** Of works that wait equally long, the one of the lowest rank starts first. */
  readonly rankOf: (work: W) => number;
  readonly act: (work: W) => Promise<void>;
}

/** The work that takes turns for the cores, or the work that mostly waits. */
interface Lane<W> {
  readonly pending: { readonly work: W; readonly wait: number; readonly rank: number }[];
  running: number;
}

/**
 * Runs work on a limited number of machines at once, as it is added. Busy work takes turns for the cores, so it gets
 * only as many machines as keep them occupied, at most half; work that mostly waits gets the rest. Each side may use
 * all machines once the other has no work. The work that waits longest starts first.
 */
export class Slots<W> {
  readonly #options: SlotsOptions<W>;
  readonly #busy: Lane<W> = { pending: [], running: 0 };
  readonly #waits: Lane<W> = { pending: [], running: 0 };
  readonly #ends: Promise<PromiseSettledResult<void>>[] = [];
  #jobs = 1;

  constructor(options: SlotsOptions<W>) {
    this.#options = options;
  }

  /** Adds work, and sets the number of machines at once from now on; what runs already is not affected. */
  add(works: readonly W[], jobs: number): void {
    this.#jobs = jobs;
    for (const work of works) {
      const wait = this.#options.waitOf(work);
      const { pending } = wait > 0 ? this.#waits : this.#busy;
      const rank = this.#options.rankOf(work);
      const behind = pending.findIndex((one) => one.wait < wait || (one.wait === wait && one.rank > rank));
      pending.splice(behind < 0 ? pending.length : behind, 0, { work, wait, rank });
    }
    this.#start();
  }

  /** Resolves once all added work has ended, to how each piece settled. */
  async done(): Promise<PromiseSettledResult<void>[]> {
    // pending work starts when other work ends, and then appears in #ends
    for (let seen = 0; seen < this.#ends.length; seen++) await this.#ends[seen];
    return Promise.all(this.#ends);
  }

  #start(): void {
    for (let lane = this.#next(); lane !== undefined; lane = this.#next()) this.#begin(lane);
  }

  #begin(lane: Lane<W>): void {
    const { work } = lane.pending.shift()!;
    lane.running++;
    const act = async (): Promise<void> => {
      try {
        await this.#options.act(work);
      } finally {
        lane.running--;
        this.#start();
      }
    };
    this.#ends.push(
      act().then(
        () => ({ status: 'fulfilled', value: undefined }),
        (reason: unknown) => ({ status: 'rejected', reason }),
      ),
    );
  }

  /** The lane whose next work may start now. */
  #next(): Lane<W> | undefined {
    const [busy, waits, jobs] = [this.#busy, this.#waits, this.#jobs];
    if (busy.running + waits.running >= jobs) return undefined;
    if (jobs === 1) return waits.pending.length > 0 ? waits : hasWork(busy);
    const part = Math.min((jobs + 1) >> 1, availableParallelism() + readyAhead);
    if (busy.running < (isOver(waits) ? jobs : part) && busy.pending.length > 0) return busy;
    return waits.running < (isOver(busy) ? jobs : jobs - part) ? hasWork(waits) : undefined;
  }
}

const isOver = ({ pending, running }: Lane<unknown>): boolean => pending.length === 0 && running === 0;
const hasWork = <W>(lane: Lane<W>): Lane<W> | undefined => (lane.pending.length > 0 ? lane : undefined);
