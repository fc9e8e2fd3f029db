/** A request for cores of the host. */
export interface Load {
  readonly cores: number;
  /** Longest time to hold them, ms: work that takes longer is waiting, and needs no core. Null: until disposed. */
  readonly holdMs: number | null;
}

/**
 * A semaphore for the cores of this host. Requests are granted in order, so that one for many cores does not starve;
 * a request for more cores than there are takes all of them.
 */
export class Cores {
  readonly #total: number;
  #free: number;
  readonly #waiting: { readonly cores: number; readonly grant: () => void }[] = [];

  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  /** Resolves once enough cores are free; disposing the result releases them. Rejects on abort. */
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
