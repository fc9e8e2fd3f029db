import { Cores, type Load } from './cores.ts';
import type { Machine } from '../lab/machine.ts';

/** Not worth to give cores back for. */
const minQuietMs = 600;
/** Its cores are asked for so long before they are needed: what told of it is late by a little. */
const marginMs = 100;
/** Trials that follow one another have one turn for so long: each time it is asked for, cores idle until all are free. */
const longMs = 1000;
/** Node's timers know no longer time. */
const maxTimerMs = 2 ** 31 - 1;

interface Member {
  /** Whether it is to run. */
  runs: boolean;
  isStill: boolean;
  /** Its last change. */
  moved: Promise<void>;
}

/**
 * Who may run on this host. A machine with a trial has its turn first: cores of the host's. One without a trial stands
 * still, its clock too, where its driver can do that (`Machine.pause`): Linux is never quite idle, which some machines
 * together were seen to do to the races of others.
 */
export class Turns {
  readonly #cores: Cores;
  readonly #members = new Map<Machine, Member>();

  constructor(cores: number) {
    this.#cores = new Cores(cores);
  }

  /** Cores for what is no trial: the start of a machine, its end. Rejects on abort. */
  take(load: Load, signal: AbortSignal): Promise<Disposable> {
    return this.#cores.take(load, signal);
  }

  /** The same, not waited for: what is done meanwhile goes on, and others have their cores once it has. */
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

  /** A machine is up; it stands still until it has a turn. */
  join(machine: Machine): void {
    this.#members.set(machine, { runs: true, isStill: false, moved: Promise.resolve() });
    void this.#change(machine, false);
  }

  /** It is to end, for which there is room when this resolves; after an abort none is waited for. Does not reject. */
  async leave(machine: Machine, load: Load, signal: AbortSignal): Promise<Disposable> {
    const room = await this.#cores.take(load, signal).catch(() => ({ [Symbol.dispose]: () => undefined }));
    this.#members.delete(machine);
    return room;
  }

  /** Waits until the host has room for a trial of that machine. Rejects on abort. */
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

  /** Lets a machine go on, or brings it to rest, once its change before is done. */
  async #change(machine: Machine, runs: boolean): Promise<void> {
    const member = this.#members.get(machine);
    if (member === undefined || machine.pause === undefined || machine.resume === undefined) return;
    member.runs = runs;
    const move = async (before: Promise<void>): Promise<void> => {
      await before;
      if (member.runs !== member.isStill || !this.#members.has(machine)) return;
      member.isStill = !member.runs;
      // one that has ended, or does not do it, is lost to its trial, and says why
      await (member.runs ? machine.resume!() : machine.pause!()).catch(() => undefined);
    };
    member.moved = move(member.moved);
    await member.moved;
  }
}

interface Means {
  readonly load: Load;
  readonly take: (until: AbortSignal) => Promise<Disposable>;
  /** Lets the machine run; brings it to rest. */
  readonly run: () => Promise<void>;
  readonly hold: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** A trial's turn. It is given up for the time in which the trial only waits, and had again for what comes after. */
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
    // it can have ended meanwhile
    if (this.#over.signal.aborted) return cores[Symbol.dispose]();
    this.#cores = cores;
    this.#since = performance.now();
    await run();
    if (!this.#over.signal.aborted) this.#limit();
  }

  /** Whether the next trial of its cell can have this turn, too: what it has of the host is still there. */
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

  /** The trial says that it does nothing but look for `ms`. */
  quiet(ms: number): void {
    if (this.#cores === undefined || this.#means.load.holdMs !== null || ms < minQuietMs) return;
    this.#give();
    this.#timer = setTimeout(() => void this.#again(), Math.min(ms - marginMs, maxTimerMs));
  }

  async #again(): Promise<void> {
    await this.#means.hold();
    // the run or the trial can end meanwhile
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
