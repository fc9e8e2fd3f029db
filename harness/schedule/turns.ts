import { Cores, type Load } from './cores.ts';
import type { Machine } from '../lab/machine.ts';

/** Waits shorter than this are not worth releasing the cores for. */
const minQuietMs = 600;
/** How long before the end of a wait its cores are requested: the guest's message about the wait arrives a bit late. */
const marginMs = 100;
/** How long consecutive trials may share a turn. Each new turn costs time: cores idle until all of them are free. */
const longMs = 1000;
/** The longest delay that Node's timers accept. */
const maxTimerMs = 2 ** 31 - 1;

interface Member {
  /** Whether it should run; `isStill` says whether it is paused. */
  runs: boolean;
  isStill: boolean;
  /** Resolves when its latest pause or resume is done. */
  moved: Promise<void>;
}

/**
 * Decides which machines may run on this host. A machine needs a turn, which holds cores, to run a trial. Without one
 * it is paused, its clock too, if its driver can do that (`Machine.pause`): Linux is never quite idle, and several
 * idle machines together were seen to disturb the races of others.
 */
export class Turns {
  readonly #cores: Cores;
  readonly #members = new Map<Machine, Member>();

  constructor(cores: number) {
    this.#cores = new Cores(cores);
  }

  /** Takes cores for work other than a trial, such as a boot. Rejects on abort. */
  take(load: Load, signal: AbortSignal): Promise<Disposable> {
    return this.#cores.take(load, signal);
  }

  /** Requests cores without waiting for them: the caller's work goes on meanwhile. Disposing releases them. */
  hold(load: Load, signal: AbortSignal): Disposable {
    const over = new AbortController();
    const taken = this.#cores.take(load, AbortSignal.any([signal, over.signal])).catch(() => undefined);
    return {
      [Symbol.dispose]: () => {
        over.abort();
        void taken.then((cores) => cores?.[Symbol.dispose]());
      },
    };
  }

  /** Adds a machine that is up; it is paused until it has a turn. */
  join(machine: Machine): void {
    this.#members.set(machine, { runs: true, isStill: false, moved: Promise.resolve() });
    void this.#change(machine, false);
  }

  /** Waits for cores to shut the machine down with, and removes it. Does not wait after an abort. Does not reject. */
  async leave(machine: Machine, load: Load, signal: AbortSignal): Promise<Disposable> {
    const room = await this.#cores.take(load, signal).catch(() => ({ [Symbol.dispose]: () => undefined }));
    this.#members.delete(machine);
    return room;
  }

  /** Waits for the cores of a trial and resumes its machine. Rejects on abort. */
  async begin(machine: Machine, load: Load, signal: AbortSignal): Promise<Turn> {
    const turn = new Turn({
      load,
      take: (until) => this.#cores.take({ cores: load.cores, holdMs: null }, until),
      run: () => this.#change(machine, true),
      hold: () => this.#change(machine, false),
      signal,
    });
    await turn.take();
    return turn;
  }

  /** Resumes or pauses a machine, once its previous change is done. */
  async #change(machine: Machine, runs: boolean): Promise<void> {
    const member = this.#members.get(machine);
    if (member === undefined || machine.pause === undefined || machine.resume === undefined) return;
    member.runs = runs;
    const move = async (before: Promise<void>): Promise<void> => {
      await before;
      if (member.runs !== member.isStill || !this.#members.has(machine)) return;
      member.isStill = !member.runs;
      // a machine that has ended or fails to do so is lost; its trial reports why
      await (member.runs ? machine.resume!() : machine.pause!()).catch(() => undefined);
    };
    member.moved = move(member.moved);
    await member.moved;
  }
}

interface Means {
  readonly load: Load;
  readonly take: (until: AbortSignal) => Promise<Disposable>;
  /** Resumes the machine; `hold` pauses it. */
  readonly run: () => Promise<void>;
  readonly hold: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** A trial's turn. It releases its cores while the trial only waits, and takes them again for what comes after. */
export class Turn implements Disposable {
  readonly #means: Means;
  readonly #over = new AbortController();
  #cores: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;

  constructor(means: Means) {
    this.#means = means;
  }

  async take(): Promise<void> {
    const { take, run, signal } = this.#means;
    const cores = await take(AbortSignal.any([signal, this.#over.signal]));
    // the trial may have ended meanwhile
    if (this.#over.signal.aborted) return cores[Symbol.dispose]();
    this.#cores = cores;
    this.#since = performance.now();
    await run();
    if (!this.#over.signal.aborted) this.#limit();
  }

  /** Whether the next trial of its cell can use this turn, too: it still holds its cores, and not for too long. */
  goesOn(): boolean {
    if (this.#cores === undefined || performance.now() - this.#since > longMs) return false;
    this.#limit();
    return true;
  }

  #limit(): void {
    const { holdMs } = this.#means.load;
    clearTimeout(this.#timer);
    if (holdMs !== null) this.#timer = setTimeout(() => this.#give(), holdMs);
  }

  /** Releases the cores: the trial will only read the state for the next `ms`. */
  quiet(ms: number): void {
    if (this.#cores === undefined || this.#means.load.holdMs !== null || ms < minQuietMs) return;
    this.#give();
    this.#timer = setTimeout(() => void this.#again(), Math.min(ms - marginMs, maxTimerMs));
  }

  async #again(): Promise<void> {
    await this.#means.hold();
    // rejects if the run or the trial ends meanwhile
    await this.take().catch(() => undefined);
  }

  #give(): void {
    this.#cores?.[Symbol.dispose]();
    this.#cores = undefined;
  }

  [Symbol.dispose](): void {
    this.#over.abort();
    clearTimeout(this.#timer);
    this.#give();
    void this.#means.hold();
  }
}
