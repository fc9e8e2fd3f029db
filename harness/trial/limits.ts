import type { VcpuTime } from '../lab/machine.ts';
import { timeBetween } from './host-time.ts';
import type { GuestEvent, Stuck } from './protocol.ts';
import { isInFreezer } from './stuck.ts';
import { isStarved, type Heard, type Loss, type Silence } from './window.ts';

/** A guest is silent after this long without a heartbeat, which is due every second. */
const silentAfterSeconds = 15;
/** How long the host may starve a machine before its trial is given up. */
const starvedAfterSeconds = 120;
/** A system call to the freezer that takes this long never ends. */
const stuckAfterUs = 60_000_000;

/** The machine to watch, and the limit of the trial. */
export interface LimitsOf {
  readonly limitSeconds: number;
  /** Whether the machine is paused now. */
  readonly isStill: () => boolean;
  /** The host time of its vCPUs so far; null if unknown. */
  readonly vcpus: () => Promise<readonly VcpuTime[] | null>;
}

/**
 * Ends a trial whose guest is silent, late or stuck. Counts its own ticks rather than the clock, so that a suspended or
 * starved host is not mistaken for a silent guest; neither is a paused machine, or one whose vCPUs got no time on the
 * host.
 */
export class Limits {
  readonly over: Promise<Loss>;
  readonly #of: LimitsOf;
  readonly #timer: NodeJS.Timeout;
  readonly #stops: (() => void)[] = [];
  readonly #resolve: (loss: Loss) => void;
  #silent = 0;
  #age = 0;
  #phase = 'starting';
  #kernelUs: number | null = null;
  #stuck: Stuck | null = null;
  /** The host time of the vCPUs when the silence began. */
  #before: { readonly at: number; readonly vcpus: Promise<readonly VcpuTime[] | null> } | undefined;

  constructor(of: LimitsOf) {
    this.#of = of;
    const { promise, resolve } = withResolvers<Loss>();
    this.over = promise;
    this.#resolve = resolve;
    this.#timer = setInterval(() => void this.#tick(), 1000);
  }

  async #tick(): Promise<void> {
    if (this.#of.isStill()) {
      // while it is paused, missing heartbeats and missing host time do not count
      this.#begin();
      return;
    }
    this.#silent++;
    this.#age++;
    // not after each heartbeat: a second without one is normal
    if (this.#silent === 2) this.#before = { at: performance.now(), vcpus: this.#of.vcpus() };
    if (this.#age >= this.#of.limitSeconds) this.#resolve({ how: 'late', seconds: this.#age });
    if (this.#silent < silentAfterSeconds) return;
    const silence = await this.#silence();
    // a heartbeat may have arrived meanwhile
    if (this.#silent >= silentAfterSeconds && !(isStarved(silence) && this.#silent < starvedAfterSeconds))
      this.#resolve({ how: 'silent' });
  }

  /** Starts counting the silence anew. */
  #begin(): void {
    this.#silent = 0;
    this.#before = undefined;
  }

  async #silence(): Promise<Silence> {
    const seconds = this.#silent;
    if (this.#before === undefined) return { seconds, overMs: 0, vcpus: null };
    const overMs = performance.now() - this.#before.at;
    const vcpus = timeBetween(await this.#before.vcpus, await this.#of.vcpus());
    if (vcpus === null) return { seconds, overMs: 0, vcpus };
    return { seconds, overMs, vcpus };
  }

  heard(event: GuestEvent): void {
    this.#begin();
    if (event.ev === 'start') this.#kernelUs = event.kernelUs ?? null;
    if (event.ev !== 'beat') return;
    this.#phase = event.phase;
    this.#stuck = event.stuck ?? null;
    if (this.#stuck !== null && this.#stuck.us >= stuckAfterUs && isInFreezer(this.#stuck))
      this.#resolve({ how: 'stuck' });
  }

  /** What was heard so far. */
  async account(): Promise<Heard> {
    const silence = await this.#silence();
    return { phase: this.#phase, kernelUs: this.#kernelUs, stuck: this.#stuck, silence };
  }

  onStop(stop: () => void): void {
    this.#stops.push(stop);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const stop of this.#stops) stop();
  }
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
