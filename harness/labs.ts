import { inOneLine } from './errors.ts';
import type { Listener } from './events.ts';
import { drivers } from './lab/drivers.ts';
import type { Lab } from './lab/lab.ts';
import { takeWay } from './lab/take.ts';
import type { Matrix, Way } from './matrix/matrix.ts';
import { wayWords } from './matrix/ways.ts';
import { keepConfig } from './record/evidence.ts';
import { consolesOf } from './record/runs.ts';

/** What labs need to know of the run they work for. */
export interface LabsPlan {
  readonly run: string;
  readonly dir: string;
  readonly matrix: Matrix;
  readonly allowLocal: boolean;
  readonly signal: AbortSignal;
  readonly emit: Listener;
}

/** A distro that can be booted. */
export interface Ready {
  readonly distro: string;
  readonly way: Way;
  readonly lab: Lab;
}

/** A distro none of whose ways is available. */
export interface Failed {
  readonly distro: string;
  readonly error: Error;
}

/** The labs of a run, one per driver in use. */
export class Labs {
  readonly #plan: LabsPlan;
  readonly #labs = new Map<string, Promise<Lab>>();

  constructor(plan: LabsPlan) {
    this.#plan = plan;
  }

  /** Fetches and builds what each distro boots from, concurrently. None rejects; after an abort all are `Failed`. */
  prepare(names: readonly string[]): Promise<Ready | Failed>[] {
    if (names.length === 0) return [];
    const { emit } = this.#plan;
    const what = `kernels for ${names.join(', ')}`;
    const began = performance.now();
    emit({ kind: 'preparing', what });
    const all = names.map((name) => this.#prepareOne(name));
    void Promise.all(all).then(() => emit({ kind: 'prepared', what, ms: performance.now() - began }));
    return all;
  }

  /** Takes the first available way of a distro; warns if it had to pass over another. */
  async #prepareOne(name: string): Promise<Ready | Failed> {
    const { signal, emit, matrix } = this.#plan;
    const { ways } = matrix.distros.get(name)!;
    try {
      const { way, lab, passedOver } = await takeWay(ways, (one) => this.#lab(one), signal);
      if (passedOver.length > 0)
        emit({ kind: 'warning', text: [`${name}: taking ${wayWords(way)}.`, ...passedOver].join(' ') });
      const origin = await lab.origin?.(way);
      if (origin !== undefined) {
        const { config, ...known } = origin;
        emit({ kind: 'kernel-known', distro: name, ...known });
        if (config !== null)
          await keepConfig(this.#plan.dir, name, config).catch((error: unknown) =>
            emit({
              kind: 'warning',
              text: `The configuration of ${name}'s kernel is not kept: ${inOneLine(error)}`,
            }),
          );
      }
      return { distro: name, way, lab };
    } catch (error) {
      return { distro: name, error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  #lab({ driver }: Way): Promise<Lab> {
    const { run, dir, allowLocal, signal, emit } = this.#plan;
    let lab = this.#labs.get(driver);
    lab ??= drivers[driver]({
      run,
      consoles: consolesOf(dir),
      allowLocal,
      signal,
      onWarning: (text) => emit({ kind: 'warning', text }),
      onPreparing: (what) => {
        const began = performance.now();
        emit({ kind: 'preparing', what });
        return () => emit({ kind: 'prepared', what, ms: performance.now() - began });
      },
      onStep: (machine, what) => {
        const began = performance.now();
        emit({ kind: 'machine-step', machine, what, ms: null });
        return () => emit({ kind: 'machine-step', machine, what, ms: performance.now() - began });
      },
    });
    this.#labs.set(driver, lab);
    return lab;
  }
}
