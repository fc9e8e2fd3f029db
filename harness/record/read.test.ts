import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isRecord } from './check.ts';
import { finishedTrials, trialKey } from './finished.ts';
import { describeFinding, maxLineBytes, readRecords, type RecordFinding } from './read.ts';
import { sampleRecord } from './sample.ts';
import { recordSchema, type TrialRecord } from './schema.ts';

let path = '';
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'records.ndjson');
});

async function read(): Promise<{ records: TrialRecord[]; findings: RecordFinding[] }> {
  const findings: RecordFinding[] = [];
  const records: TrialRecord[] = [];
  for await (const record of readRecords(path, (finding) => findings.push(finding))) records.push(record);
  return { records, findings };
}

const line = (trial: number): string => JSON.stringify(sampleRecord({ trial }));

describe('readRecords', () => {
  it('reads each line as JSON.parse does, though the ends of lines are parsed once', async () => {
    const { guest, machine } = sampleRecord();
    const nasty = fc.constantFrom(',"guest":{}', '","guest":null', '\\","guest":', '{"machine":1}}', 'plain');
    const made = fc.record({
      reason: nasty,
      trial: fc.nat(),
      guest: fc.option(nasty.map((release) => ({ ...guest!, release }))),
      machine: nasty.map((id) => ({ ...machine, id })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(made, { minLength: 1, maxLength: 8 }), async (changes) => {
        const lines = changes.flatMap((change) => {
          const record = sampleRecord(change);
          // the second has them elsewhere, the third is no JSON, the fourth no record
          const { guest: own, ...rest } = record;
          const whole = JSON.stringify(record);
          return [whole, JSON.stringify({ guest: own, ...rest }), whole.slice(0, -1), `{"a":${whole}}`];
        });
        await writeFile(path, `${lines.join('\n')}\n`);
        const { records, findings } = await read();
        const good = lines.filter((_, i) => i % 4 < 2).map((text): unknown => JSON.parse(text));
        expect(records).toEqual(good);
        expect(findings).toHaveLength(lines.length / 2);
      }),
      { numRuns: 30 },
    );
  });

  it('names what is damaged and reads the rest', async () => {
    const other = JSON.stringify({ ...sampleRecord(), schema: 7 });
    const wrong = JSON.stringify({ ...sampleRecord(), outcome: 'melted' });
    const long = 'x'.repeat(maxLineBytes + 1);
    const lines = [line(0), '\0\0{"half', other, wrong, long, line(1), line(2).slice(0, 50)];
    await writeFile(path, lines.join('\n'));
    const { records, findings } = await read();
    expect(records.map(({ trial }) => trial)).toEqual([0, 1]);
    expect(findings).toHaveLength(5);
    expect(findings).toEqual(
      expect.arrayContaining([
        { kind: 'damaged', line: 2, what: 'not JSON' },
        { kind: 'unknown-schema', line: 3, schema: 7 },
        { kind: 'damaged', line: 4, what: expect.stringContaining('outcome') },
        { kind: 'too-long', line: 5 },
        { kind: 'torn', line: 7, bytes: 50 },
      ]),
    );
    expect(describeFinding({ kind: 'torn', line: 7, bytes: 50 })).toMatch(/^line 7: torn/);
  });

  it('says that there is no file, and finds nothing wrong with an empty one', async () => {
    expect(await read()).toEqual({ records: [], findings: [{ kind: 'missing' }] });
    await writeFile(path, '');
    expect(await read()).toEqual({ records: [], findings: [] });
  });

  it('reads lines that lie across the chunks of the file', async () => {
    const reason = 'é'.repeat(100_000);
    const lines = Array.from({ length: 30 }, (_, trial) => JSON.stringify(sampleRecord({ trial, reason })));
    await writeFile(path, `${lines.join('\n')}\n`);
    const { records, findings } = await read();
    expect(findings).toEqual([]);
    expect(records.map(({ trial }) => trial)).toEqual(lines.map((_, i) => i));
    expect(records.every((record) => record.reason === reason)).toBe(true);
  });

  it('rejects what is no file with a sentence', async () => {
    path = tmpdir();
    await expect(read()).rejects.toThrow(/cannot be read \(EISDIR\)/);
  });
});

describe('isRecord', () => {
  const rare = { unread: true, killedThreads: 1, group: 'inner' } as const;
  const full = sampleRecord({
    blockers: [{ pid: 4, comm: 'a', state: 'D', wchan: 'x', syscall: null, stack: ['f'], ...rare }],
    parameters: { loops: 4, exec: 'self' },
    steps: [{ step: 0, ok: false, us: 4, what: 'expect a', expected: 'state FROZEN', found: 'FREEZING' }],
    tool: { name: 'criu-dump', version: 'criu 4.1.1', code: 1, ok: false, us: 5, error: 'x' },
    window: {
      phase: 'freezing',
      facts: [{ kind: 'warning', line: 'WARNING: CPU: 0', count: 2 }],
      changes: [{ event: 'STOP', isOurs: false, detail: null, us: 5 }],
      stuck: {
        ...{ pid: 4, comm: 'a', state: 'D', wchan: 'x', syscall: 1, stack: ['f'], us: 6 },
        ...{ ...rare, file: '/f' },
      },
      host: { ranUs: 5, waitedUs: 0 },
    },
    machine: { ...sampleRecord().machine, template: { clone: '6f0c', failed: null } },
  });

  /** All places in a record, as key paths. */
  function places(value: unknown): string[][] {
    if (typeof value !== 'object' || value === null) return [[]];
    return [
      [],
      ...Object.entries(value).flatMap(([key, inner]) => places(inner).map((path) => [key, ...path])),
    ];
  }

  function replace(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
    if (key === undefined) return by;
    const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
    const fields = copy as Record<string, unknown>;
    fields[key] = replace(fields[key], rest, by);
    if (fields[key] === undefined) delete fields[key];
    return copy;
  }

  /** The keys that a schema's objects have and a value lacks, at any depth, as paths. */
  function lacking(schema: unknown, value: unknown, path = ''): string[] {
    let inner = schema;
    while (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable) inner = inner.unwrap();
    if (inner instanceof z.ZodArray) return lacking(inner.element, (value as unknown[])[0], `${path}[0]`);
    if (!(inner instanceof z.ZodObject)) return [];
    return Object.entries(inner.shape).flatMap(([key, of]) => {
      const own = (value as Readonly<Record<string, unknown>>)[key];
      return own === undefined ? [`${path}.${key}`] : own === null ? [] : lacking(of, own, `${path}.${key}`);
    });
  }

  it('is tried with a record that has all that the schema knows', () => {
    expect(lacking(recordSchema, full)).toEqual([]);
  });

  it('is read without what an older frostline did not tell', () => {
    const { window: _, ...old } = full;
    expect([isRecord(old), recordSchema.safeParse(old).success]).toEqual([true, true]);
  });

  it('accepts what the schema accepts, whatever stands at any place of a record', () => {
    const anything = fc.oneof(
      fc.constantFrom(undefined, null, 0, 1, -1, 1.5, 2 ** 53, '', 'D', 'v1', 'tcg', 'multi', 'thawed'),
      fc.constantFrom('frozen', 'kvm', [], {}, [[0, 'x']], ['x'], [[1]], [0, 'x', 1], true, Number.NaN),
      fc.jsonValue(),
    );
    const change = fc.tuple(fc.constantFrom(...places(full)), anything);
    let accepted = 0;
    fc.assert(
      fc.property(change, ([place, by]) => {
        const value: unknown = JSON.parse(JSON.stringify(replace(full, place, by)) ?? 'null');
        if (isRecord(value)) accepted++;
        expect(isRecord(value)).toBe(recordSchema.safeParse(value).success);
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

describe('finishedTrials', () => {
  it('leaves out trials with nothing but lab errors and finds the last machine', async () => {
    const machine = (id: string): TrialRecord['machine'] => ({ ...sampleRecord().machine, id });
    const records = [
      sampleRecord({ trial: 0, outcome: 'lab-error', machine: machine('m12') }),
      sampleRecord({ trial: 1, outcome: 'lab-error' }),
      sampleRecord({ trial: 1, outcome: 'kernel-crash' }),
      sampleRecord({ trial: 2, outcome: 'unsupported', machine: machine('host') }),
    ];
    const { finished, lastMachine } = await finishedTrials(records);
    const { cell } = sampleRecord();
    expect([...finished]).toEqual([trialKey(cell, 1), trialKey(cell, 2)]);
    expect(lastMachine).toBe(12);
  });
});
