import { availableParallelism } from 'node:os';

/** Machines that are made ready while others have their turns. */
const readyAhead = 2;

/** How work is done in slots. */
export interface SlotsOptions<W> {
  /** How long a work mostly waits, ms; 0: it does not. */
  readonly waitOf: (work: W) => number;
  readonly act: (work: W) => Promise<void>;
}

/** Those that take turns for the cores, or those that mostly wait. */
interface Lane<W> {
  readonly pending: { readonly work: W; readonly wait: number }[];
  running: number;
}

/**
 * Does work on so many machines at once, as it comes. Works that mostly wait have what the others leave of the
 * machines; the others take turns for the cores, and need no more than are made ready meanwhile. Of those that are
 * there, the one that waits longest begins.
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

  /** More work, and how many machines there are at once from now on; what runs already is let be. */
  add(works: readonly W[], jobs: number): void {
    this.#jobs = jobs;
    for (const work of works) {
      const wait = this.#options.waitOf(work);
      const { pending } = wait > 0 ? this.#waits : this.#busy;
      const behind = pending.findIndex((other) => other.wait < wait);
      pending.splice(behind < 0 ? pending.length : behind, 0, { work, wait });
    }
    this.#start();
  }

  /** Resolves, once all that was added is done, to how each went. */
  async done(): Promise<PromiseSettledResult<void>[]> {
    // what is pending begins when something ends, and is seen here then
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

  /** The lane that has work and room for it. */
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
