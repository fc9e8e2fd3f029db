import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../base/deadline.ts';
import { FrostlineError } from '../errors.ts';
import type { Channel, Machine, Watch } from '../lab/machine.ts';
import type { Strategy } from '../matrix/strategy.ts';
import { tools } from '../matrix/tools.ts';
import { Limits } from './limits.ts';
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
import type { Heard, Loss } from './window.ts';

/** How a trial ended, and what else was heard of it. */
export type Attempt = { readonly wallUs: number; readonly heard: Heard } & (
  | {
      readonly kind: 'result';
      readonly result: GuestResult;
      readonly logs: Logs;
      readonly looks: readonly Look[];
    }
  | { readonly kind: 'lost'; readonly loss: Loss }
);

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the time (ms) for which the guest will only read the state of its group. */
  readonly onQuiet?: ((ms: number) => void) | undefined;
  /** Provides the host time of the machine's vCPUs. */
  readonly watch?: Pick<Watch, 'vcpus'>;
}

/** Logs of a tool that failed, by name. */
export type Logs = ReadonlyMap<string, string>;

type Said = GuestEvent | { readonly ev: 'garbled'; readonly line: string };

/** Guests under emulation start slowly. */
const helloMs = 30_000;
/** Time beyond the strategy's, for setup, diagnosis and cleanup on a slow machine (wait_patiently in guest/time.c). */
const graceSeconds = 120;

/** After a torn line, how long to wait for the channel to end: a lost connection ends it right after its last bytes. */
const tornMs = 1000;

const nowUs = (): number => Math.round(performance.now() * 1000);

/** Seconds that a strategy may take: a tool has its deadline once for each program it runs. */
const limitOf = ({ deadlineUs, tool }: Strategy): number =>
  (deadlineUs / 1e6) * (tool === null ? 1 : tools[tool].programs);

/** Limits on what is kept of logs and looks, whatever the guest sends; a sound guest sends at most 64 KiB per log. */
const maxLog = 256 * 1024;
const maxLogs = 8;
const maxLooks = 4;

function keepLog(logs: Map<string, string>, { name, text }: { name: string; text: string }): void {
  const before = logs.get(name);
  if (before === undefined && logs.size >= maxLogs) return;
  logs.set(name, ((before ?? '') + text).slice(0, maxLog));
}

/** One `frostbite serve` in a machine, which runs trials one after another over one channel. */
export class Session implements AsyncDisposable {
  readonly hello: Hello;
  readonly #machine: Machine;
  readonly #channel: Channel;
  readonly #events: AsyncIterator<Said>;

  private constructor(machine: Machine, channel: Channel, events: AsyncIterator<Said>, hello: Hello) {
    this.#machine = machine;
    this.#channel = channel;
    this.#events = events;
    this.hello = hello;
  }

  /** Starts frostbite and waits for its hello. Rejects ('machine' or 'protocol') if that does not come, or on abort. */
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

  /** Runs one trial until its result, or until it is lost, in bounded time. Rejects only on abort. */
  async run(request: TrialRequest | SequenceRequest, options: RunOptions = {}): Promise<Attempt> {
    const { signal, onQuiet, watch } = options;
    const began = nowUs();
    const limits = new Limits({
      limitSeconds:
        ('steps' in request ? mayTakeUs(request) / 1e6 : limitOf(request.strategy)) + graceSeconds,
      isStill: () => this.#machine.isStill === true,
      vcpus: () => watch?.vcpus?.() ?? Promise.resolve(null),
    });
    const logs = new Map<string, string>();
    const looks: Look[] = [];
    const lost = async (loss: Loss): Promise<Attempt> => ({
      ...{ kind: 'lost', wallUs: nowUs() - began, loss },
      heard: await limits.account(),
    });
    try {
      const abort = aborted(signal, limits);
      this.#channel.write('steps' in request ? encodeSequence(request) : encodeRequest(request));
      for (;;) {
        const next = await Promise.race([this.#events.next(), limits.over, abort]);
        if ('how' in next) return await lost(next);
        if (next.done) return await lost({ how: 'ended', end: await this.#channel.ended });
        const event = next.value;
        if (event.ev === 'garbled') return await lost(await this.#lossOf(event.line));
        limits.heard(event);
        if (event.ev === 'beat' && event.quietUs !== undefined && event.trial === request.trial)
          onQuiet?.(event.quietUs / 1000);
        if (event.ev === 'result' && event.trial === request.trial) {
          const wallUs = nowUs() - began;
          return { kind: 'result', wallUs, result: event, logs, looks, heard: await limits.account() };
        }
        if (event.ev === 'log') keepLog(logs, event);
        if (event.ev === 'look' && looks.length < maxLooks)
          looks.push({ us: event.us, blockers: event.blockers });
      }
    } finally {
      limits.stop();
    }
  }

  /**
   * Starts a trial whose group stays as its strategy leaves it, for inspection. Resolves once it is kept, or to the
   * result if the trial ends before. Rejects if the guest is lost or silent, and on abort.
   */
  async keep(request: TrialRequest, signal?: AbortSignal): Promise<Kept | GuestResult> {
    const limitMs = (limitOf(request.strategy) + graceSeconds) * 1000;
    this.#channel.write(keepWord + encodeRequest(request));
    const heard = async (): Promise<Kept | GuestResult> => {
      for (;;) {
        const { value, done } = await this.#events.next();
        if (done === true || value.ev === 'garbled')
          throw new FrostlineError(
            `The guest ended the session: ${quote(value ?? (await this.#channel.ended))}`,
            {
              code: 'machine',
            },
          );
        // events of the previous trial, which this request ends, are skipped
        if ((value.ev === 'kept' || value.ev === 'result') && value.trial === request.trial) return value;
      }
    };
    return within({ ms: limitMs, what: 'The trial', signal }, heard());
  }

  /** Why a line violates the protocol: it may just be the last one, torn because the channel ended. */
  async #lossOf(line: string): Promise<Loss> {
    const patience = new AbortController();
    const goesOn = sleep(tornMs, null, { signal: patience.signal }).catch(() => null);
    const end = await Promise.race([this.#channel.ended, goesOn]);
    patience.abort();
    return end === null ? { how: 'garbled', line } : { how: 'ended', end };
  }

  /** Ends frostbite, which cleans up the guest; does not wait for a guest that is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.end();
    await this.#channel[Symbol.asyncDispose]();
  }
}

async function* parse(lines: AsyncIterable<string>): AsyncGenerator<Said> {
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

function aborted(signal: AbortSignal | undefined, limits: Limits): Promise<never> {
  return new Promise((_, reject) => {
    if (signal === undefined) return;
    signal.throwIfAborted();
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    limits.onStop(() => signal.removeEventListener('abort', abort));
  });
}
