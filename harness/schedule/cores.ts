/** What somebody needs of the host. */
export interface Load {
  readonly cores: number;
  /** For so long at most: what has not come by then is waited for, and a wait needs none. Null: until it is given back. */
  readonly holdMs: number | null;
}

/**
 * The cores of this host, taken for a while by those who need them. Turns are in the order in which they were asked
 * for, so that nobody who needs many waits for ever; who needs more than there are takes all of them.
 */
export class Cores {
  readonly #total: number;
  #free: number;
  readonly #waiting: { readonly cores: number; readonly grant: () => void }[] = [];

  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  /** Resolves, once so many are free, to what gives them back. Rejects on abort. */
  async take({ cores, holdMs }: Load, signal: AbortSignal): Promise<Disposable> {
    const wanted = Math.min(cores, this.#total);
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const one = {
        cores: wanted,
        grant: (): void => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(one), 1);
        reject(signal.reason as Error);
        this.#next();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(one);
      this.#next();
    });
    let held = wanted;
    const release = (): void => {
      clearTimeout(timer);
      this.#free += held;
      held = 0;
      this.#next();
    };
    const timer = holdMs === null ? undefined : setTimeout(release, holdMs);
    return { [Symbol.dispose]: release };
  }

  #next(): void {
    for (
      let first = this.#waiting[0];
      first !== undefined && first.cores <= this.#free;
      [first] = this.#waiting
    ) {
      this.#waiting.shift();
      this.#free -= first.cores;
      first.grant();
    }
  }
}
