import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../base/deadline.ts';
import { FrostlineError } from '../errors.ts';
import type { Channel, ChannelEnd, Machine } from '../lab/machine.ts';
import type { Strategy } from '../matrix/strategy.ts';
import { tools } from '../matrix/tools.ts';
import {
  guestEventSchema,
  type GuestEvent,
  type GuestResult,
  type Hello,
  type Kept,
  type Look,
} from './protocol.ts';
import { encodeRequest, keepWord, type TrialRequest } from './request.ts';
import { encodeSequence, mayTakeUs, type SequenceRequest } from './sequence.ts';

/** How a trial was lost without a result. */
export type Loss =
  /** No heartbeat for `seconds`: nothing in the guest's user space is scheduled. */
  | { readonly how: 'silent'; readonly seconds: number }
  /** Heartbeats, but no result long after the trial's own deadline. */
  | { readonly how: 'late'; readonly seconds: number; readonly phase: string }
  /** The program or the connection ended. */
  | { readonly how: 'ended'; readonly end: ChannelEnd }
  /** The guest said something that is not the protocol. */
  | { readonly how: 'garbled'; readonly line: string };

export type Attempt = { readonly wallUs: number } & (
  | {
      readonly kind: 'result';
      readonly result: GuestResult;
      readonly logs: Logs;
      readonly looks: readonly Look[];
    }
  | { readonly kind: 'lost'; readonly loss: Loss }
);

/** Logs of a tool that failed, by name. */
export type Logs = ReadonlyMap<string, string>;

type Heard = GuestEvent | { readonly ev: 'garbled'; readonly line: string };

/** Guests under emulation start slowly; a heartbeat is due every second. */
const helloMs = 30_000;
const silentAfterSeconds = 15;
/** Set-up, clean-up and diagnosis of a trial on a slow machine (wait_patiently in guest/time.c), besides its strategy. */
const graceSeconds = 120;

/** A lost connection ends the channel at once after its last bytes. */
const tornMs = 1000;

const nowUs = (): number => Math.round(performance.now() * 1000);

/** Seconds that a strategy may take: a tool has its deadline for each program it runs. */
const limitOf = ({ deadlineUs, tool }: Strategy): number =>
  (deadlineUs / 1e6) * (tool === null ? 1 : tools[tool].programs);

/** The guest sends 64 KiB of each at most; whatever it sends, no more is kept. */
const maxLog = 256 * 1024;
const maxLogs = 8;
const maxLooks = 4;

function keepLog(logs: Map<string, string>, { name, text }: { name: string; text: string }): void {
  const before = logs.get(name);
  if (before === undefined && logs.size >= maxLogs) return;
  logs.set(name, ((before ?? '') + text).slice(0, maxLog));
}

/** One `frostbite serve` in a machine: the trials of a cell follow one another on one channel. */
export class Session implements AsyncDisposable {
  readonly hello: Hello;
  readonly #machine: Machine;
  readonly #channel: Channel;
  readonly #events: AsyncIterator<Heard>;

  private constructor(machine: Machine, channel: Channel, events: AsyncIterator<Heard>, hello: Hello) {
    this.#machine = machine;
    this.#channel = channel;
    this.#events = events;
    this.hello = hello;
  }

  /** Starts frostbite and waits for its hello. Rejects ('machine' or 'protocol') when it does not come. */
  static async open(machine: Machine, signal?: AbortSignal): Promise<Session> {
    const channel = await machine.serve();
    try {
      const events = parse(channel.lines);
      const first = await within(
        { ms: helloMs, what: `${machine.facts.id}: frostbite's hello`, signal },
        events.next(),
      );
      const hello = first.value;
      if (hello?.ev === 'hello') return new Session(machine, channel, events, hello);
      const end = await Promise.race([channel.ended, Promise.resolve(null)]);
      throw new FrostlineError(
        `${machine.facts.id}: expected frostbite's hello, got ${quote(hello ?? end)}`,
        {
          code: 'protocol',
        },
      );
    } catch (error) {
      await channel[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Runs one trial to its result, or to its loss within a bounded time; `onQuiet` is told for how long (ms) the guest
   * will only look at its group. Rejects only on abort.
   */
  async run(
    request: TrialRequest | SequenceRequest,
    signal?: AbortSignal,
    onQuiet: (ms: number) => void = () => undefined,
  ): Promise<Attempt> {
    const began = nowUs();
    const watch = new Watch(
      ('steps' in request ? mayTakeUs(request) / 1e6 : limitOf(request.strategy)) + graceSeconds,
      this.#machine,
    );
    const logs = new Map<string, string>();
    const looks: Look[] = [];
    try {
      const abort = aborted(signal, watch);
      this.#channel.write('steps' in request ? encodeSequence(request) : encodeRequest(request));
      for (;;) {
        const next = await Promise.race([this.#events.next(), watch.over, abort]);
        const wallUs = nowUs() - began;
        if ('how' in next) return { kind: 'lost', wallUs, loss: next };
        if (next.done)
          return { kind: 'lost', wallUs, loss: { how: 'ended', end: await this.#channel.ended } };
        const event = next.value;
        if (event.ev === 'garbled') return { kind: 'lost', wallUs, loss: await this.#lossOf(event.line) };
        watch.heard(event);
        if (event.ev === 'beat' && event.quietUs !== undefined && event.trial === request.trial)
          onQuiet(event.quietUs / 1000);
        if (event.ev === 'result' && event.trial === request.trial)
          return { kind: 'result', wallUs, result: event, logs, looks };
        if (event.ev === 'log') keepLog(logs, event);
        if (event.ev === 'look' && looks.length < maxLooks)
          looks.push({ us: event.us, blockers: event.blockers });
      }
    } finally {
      watch.stop();
    }
  }

  /**
   * Begins a trial whose group stays as its strategy left it, for whoever wants to look. Resolves when it is there, or with what
   * the trial came to before. Rejects when the guest is lost or silent, and on abort.
   */
  async keep(request: TrialRequest, signal?: AbortSignal): Promise<Kept | GuestResult> {
    const limitMs = (limitOf(request.strategy) + graceSeconds) * 1000;
    this.#channel.write(keepWord + encodeRequest(request));
    const heard = async (): Promise<Kept | GuestResult> => {
      for (;;) {
        const { value, done } = await this.#events.next();
        if (done === true || value.ev === 'garbled')
          throw new FrostlineError(
            `The guest ended its part: ${quote(value ?? (await this.#channel.ended))}`,
            {
              code: 'machine',
            },
          );
        // the one before goes on to its end when this one is asked for
        if ((value.ev === 'kept' || value.ev === 'result') && value.trial === request.trial) return value;
      }
    };
    return within({ ms: limitMs, what: 'The trial', signal }, heard());
  }

  /** What was the matter with a line that is not the protocol: the end of everything tears the last line. */
  async #lossOf(line: string): Promise<Loss> {
    const patience = new AbortController();
    const goesOn = sleep(tornMs, null, { signal: patience.signal }).catch(() => null);
    const end = await Promise.race([this.#channel.ended, goesOn]);
    patience.abort();
    return end === null ? { how: 'garbled', line } : { how: 'ended', end };
  }

  /** Ends frostbite, which then leaves nothing in the guest; does not wait for a guest that is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.end();
    await this.#channel[Symbol.asyncDispose]();
  }
}

async function* parse(lines: AsyncIterable<string>): AsyncGenerator<Heard> {
  for await (const line of lines) {
    if (line === '') continue;
    const event = guestEventSchema.safeParse(parseJson(line));
    yield event.success ? event.data : { ev: 'garbled', line: line.slice(0, 500) };
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const quote = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? 'nothing';

function aborted(signal: AbortSignal | undefined, watch: Watch): Promise<never> {
  return new Promise((_, reject) => {
    if (signal === undefined) return;
    signal.throwIfAborted();
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    watch.onStop(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * Counts its own ticks rather than the clock, so that a host that was suspended or starved does not pass
 * for a silent guest; nor does a machine that stands still.
 */
class Watch {
  readonly over: Promise<Loss>;
  readonly #timer: NodeJS.Timeout;
  readonly #stops: (() => void)[] = [];
  #silent = 0;
  #age = 0;
  #phase = 'starting';

  constructor(limitSeconds: number, machine: Machine) {
    const { promise, resolve } = withResolvers<Loss>();
    this.over = promise;
    this.#timer = setInterval(() => {
      if (machine.isStill === true) return;
      this.#silent++;
      this.#age++;
      if (this.#silent >= silentAfterSeconds) resolve({ how: 'silent', seconds: this.#silent });
      if (this.#age >= limitSeconds) resolve({ how: 'late', seconds: this.#age, phase: this.#phase });
    }, 1000);
  }

  heard(event: GuestEvent): void {
    this.#silent = 0;
    if (event.ev === 'beat') this.#phase = event.phase;
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
