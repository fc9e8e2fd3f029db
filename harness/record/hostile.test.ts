import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { FrostlineError } from '../errors.ts';
import { readInfo } from './info.ts';
import { Journal } from './journal.ts';
import { isLocked } from './lock.ts';
import { readRecords, type RecordFinding } from './read.ts';
import { sampleRecord } from './sample.ts';

let dir = '';
let path = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  path = join(dir, 'records.ndjson');
});

async function read(): Promise<{ trials: number[]; findings: RecordFinding[] }> {
  const findings: RecordFinding[] = [];
  const trials: number[] = [];
  for await (const { trial } of readRecords(path, (one) => findings.push(one))) trials.push(trial);
  return { trials, findings };
}

const good = (trial: number): Buffer => Buffer.from(JSON.stringify(sampleRecord({ trial })));

/** A line that is not a record: any bytes, a record with a part cut out or changed, a value of any shape. */
const bad = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.nat({ max: 900 }), fc.integer({ min: 1, max: 40 })).map(([at, length]) => {
    const line = good(0).toString();
    return Buffer.from(line.slice(0, at % line.length) + line.slice((at % line.length) + length));
  }),
  fc
    .constantFrom('outcome', 'machine', 'guest', 'states', 'trial', 'schema')
    .chain((key) =>
      fc
        .jsonValue()
        .map((value) => Buffer.from(JSON.stringify({ ...sampleRecord({ trial: -1 }), [key]: value }))),
    ),
  fc.constant(Buffer.from('['.repeat(50_000))),
);
/** Lines of a file; -1 stands for a bad one. */
const lines = fc.array(fc.oneof(fc.nat({ max: 9 }), bad), { maxLength: 20 });
const noNewline = (line: Buffer): Buffer => Buffer.from(line.filter((byte) => byte !== 0x0a));

describe('records edited by hand, or by a disk that fails', () => {
  it('keep every line that is a record, in order, and go on behind it', async () => {
    await fc.assert(
      fc.asyncProperty(lines, fc.uint8Array({ maxLength: 50 }), async (drawn, tail) => {
        const texts = drawn.map((one) => (typeof one === 'number' ? good(one) : noNewline(one)));
        const whole = texts.map((text) => Buffer.concat([text, Buffer.from('\n')]));
        await writeFile(path, Buffer.concat([...whole, noNewline(Buffer.from(tail))]));
        const wanted = drawn.filter((one) => typeof one === 'number');
        const { trials, findings } = await read();
        // a changed record may happen to be valid, so there may be more than the wanted ones
        expect(trials.filter((trial) => trial >= 0 && trial <= 9).length).toBeGreaterThanOrEqual(
          wanted.length,
        );
        expect(trials.length + findings.length).toBeGreaterThanOrEqual(drawn.length);
        await using journal = await Journal.open(path);
        await journal.append(sampleRecord({ trial: 77 }));
        expect((await read()).trials).toEqual([...trials, 77]);
      }),
      { numRuns: 60 },
    );
  });

  it('take bounded memory: 64 MiB without a newline are one finding', async () => {
    await writeFile(
      path,
      Buffer.concat([Buffer.alloc(64 << 20, 'x'), Buffer.from('\n'), good(1), Buffer.from('\n')]),
    );
    const before = process.memoryUsage().heapUsed;
    expect(await read()).toEqual({ trials: [1], findings: [{ kind: 'too-long', line: 1 }] });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 << 20);
  });
});

describe('a run folder edited by hand', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json());

  it('has a description, or an error that says what is wrong with it', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (drawn) => {
        await writeFile(join(dir, 'run.json'), drawn);
        await expect(readInfo(dir)).rejects.toBeInstanceOf(FrostlineError);
      }),
      { numRuns: 100 },
    );
  });

  it('is not locked by what is no lock', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (drawn) => {
        await writeFile(join(dir, 'lock'), drawn);
        expect(await isLocked(dir)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
