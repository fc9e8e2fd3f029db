import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrostlineError } from '../errors.ts';
import type { ChannelEnd } from '../lab/machine.ts';
import { matrixOf, tasksOf } from '../testing/machines.ts';
import { machineSaying, soundHello, soundResult } from '../testing/saying.ts';
import { guestEventSchema } from './protocol.ts';
import { Session, type Attempt } from './session.ts';

const [task] = tasksOf(
  matrixOf(`name: test
trials: 1
distros: { guest: { driver: qemu, kernel: "deb:trixie" } }
cgroups: [v2]
workloads: [sleep]
strategies: { any: { deadline: 1s } }`),
);
const { request } = task!;
const lost: ChannelEnd = { kind: 'lost', reason: 'read ECONNRESET' };
const beat = '{"ev":"beat","us":5,"trial":0,"phase":"freezing"}';

/** The bytes of a text, in chunks of `size`. */
async function* chunks(text: string, size = 64 * 1024): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** Runs one trial with a guest that sends these bytes. */
async function attempt(bytes: AsyncIterable<Buffer>, end: ChannelEnd | null = lost): Promise<Attempt> {
  await using session = await Session.open(machineSaying(bytes, end));
  return session.run(request);
}

/** Bytes of the heap in use, after a garbage collection. */
function heapKept(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** The expected outcome: that of the trial's result, if only valid events precede it; else null. */
function due(lines: readonly string[]): string | null {
  for (const line of lines.filter((one) => one !== '')) {
    const event = guestEventSchema.safeParse(parsed(line)).data;
    if (event === undefined) return null;
    if (event.ev === 'result' && event.trial === request.trial) return event.outcome;
  }
  return null;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

describe('whatever a guest says', () => {
  it('a trial has its result, word for word, or is lost', async () => {
    const cut = fc.nat({ max: 400 }).map((length) => soundResult(0).slice(0, length));
    const field = fc.constantFrom('ev', 'trial', 'outcome', 'states', 'thaw', 'blockers', 'guestUs');
    const changed = fc.tuple(field, fc.jsonValue()).map(([name, value]) => soundResult(0, { [name]: value }));
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), cut, changed);
    const line = fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(beat, '{"ev":"start","trial":0}', '', soundResult(7)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(soundResult(0), '[['.repeat(20_000), '{"__proto__":{"ev":"beat"}}'),
      },
      { weight: 1, arbitrary: text.map((one) => Buffer.from(one).toString().replaceAll('\n', ' ')) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.integer({ min: 1, max: 300 }),
        async (lines, size) => {
          const said = await attempt(chunks([soundHello, ...lines, ''].join('\n'), size));
          expect(said.kind === 'result' ? said.result.outcome : null).toBe(due(lines));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('in place of its hello is an error that quotes it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        await expect(attempt(chunks(`${text}\n`))).rejects.toBeInstanceOf(FrostlineError);
      }),
      { numRuns: 100 },
    );
  });

  it('takes no memory: 128 MiB in one line, and 2 Mi empty ones', async () => {
    const kept: number[] = [];
    const flood = async function* (): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from(`${soundHello}\n`));
      const before = heapKept();
      const empty = Buffer.alloc(1 << 20, '\n');
      for (let i = 0; i < 2; i++) yield empty;
      kept.push(heapKept() - before);
      const long = Buffer.alloc(1 << 20, 'x');
      for (let i = 0; i < 128; i++) yield long;
      // measured while the trial still runs and holds what it keeps
      kept.push(heapKept() - before);
    };
    expect(await attempt(flood())).toMatchObject({ kind: 'lost' });
    expect(kept.map((bytes) => bytes < 16 * 2 ** 20)).toEqual([true, true]);
  });
});

describe('a line that is not the protocol', () => {
  const said = `${soundHello}\n${beat}\n{"ev":"be`;

  it('is that of a connection that was cut, when nothing follows', async () => {
    expect(await attempt(chunks(said))).toMatchObject({ kind: 'lost', loss: { how: 'ended', end: lost } });
  });

  it('is garbage, when the guest goes on', async () => {
    expect(await attempt(chunks(`${said}\n${beat}\n`), null)).toMatchObject({
      kind: 'lost',
      loss: { how: 'garbled', line: '{"ev":"be' },
    });
  });
});

describe('a trial that is kept', () => {
  it('is left as it is until the next one is asked for', async () => {
    const kept = (trial: number, frozen: boolean): string =>
      JSON.stringify({ ev: 'kept', trial, frozen, group: `/g/${trial}` });
    const lines = [soundHello, beat, kept(0, true), soundResult(0), beat, kept(1, false)];
    await using session = await Session.open(machineSaying(chunks(`${lines.join('\n')}\n`), null));
    if ('steps' in request) throw new Error('this matrix has no sequence');
    expect(await session.keep(request)).toMatchObject({ trial: 0, frozen: true });
    expect(await session.keep({ ...request, trial: 1 })).toMatchObject({ trial: 1, frozen: false });
  });
});

describe('a trial whose strategy only waits', () => {
  const quiet = (trial: number, us: number): string =>
    `{"ev":"beat","us":5,"trial":${trial},"phase":"freezing","quietUs":${us}}`;

  it('says for how long, and no other trial does', async () => {
    const told: number[] = [];
    const lines = [soundHello, beat, quiet(0, 2_500_000), quiet(7, 9_000_000), soundResult(0)].join('\n');
    await using session = await Session.open(machineSaying(chunks(`${lines}\n`), null));
    await session.run(request, { onQuiet: (ms) => void told.push(ms) });
    expect(told).toEqual([2500]);
  });
});
