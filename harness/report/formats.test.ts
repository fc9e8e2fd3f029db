import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { judge } from '../analyse/expect.ts';
import { summarise } from '../analyse/summarise.ts';
import { cellName, type Summary } from '../analyse/summary.ts';
import { sampleRecord } from '../record/sample.ts';
import { csvReport } from './csv.ts';
import { junitReport } from './junit.ts';
import { tapReport } from './tap.ts';

const evil = '\u001b]0;owned\u0007 <img src=x> "&\' # \\ ]]> \u0000 \ud800';
const expectations = [
  { where: { workload: ['mt-exec-storm' as const] }, of: 'rate', op: '>=', value: 1, text: '>= 1' },
  { where: { workload: ['spin' as const] }, of: 'rate', op: '>=', value: 0.9, text: '>= 0.9' },
] as const;

/** A summary with cells that are missed, measured, undecided, unsupported, not measured and crashed. */
async function make(words = evil): Promise<Summary> {
  const of = (workload: string): string => `debian-12/v1/none/${workload}/single`;
  const blockers = [{ pid: 1, comm: words, state: 'D', wchan: 'begin_new_exec', syscall: 59, stack: [] }];
  const names = ['mt-exec-storm', 'sleep', 'spin', 'nbd-dead', 'nested', 'exec-storm'];
  return summarise({
    run: {
      id: 'r',
      name: 'n',
      started: '2026-11-23T02:00:00.123Z',
      status: 'finished',
      trials: 2,
      lab: null,
    },
    cells: names.map((name) => cellName(of(name))),
    records: [
      // 80 s long; a record is made when its trial ends
      sampleRecord({
        ...{ cell: of('mt-exec-storm'), trial: 0 },
        ...{ at: '2026-11-23T02:01:00.900Z', wallUs: 80_000_000 },
      }),
      sampleRecord({ cell: of('mt-exec-storm'), trial: 1, outcome: 'not-frozen', frozenUs: null, blockers }),
      ...[0, 1].map((trial) => sampleRecord({ cell: of('sleep'), trial })),
      ...[0, 1].map((trial) => sampleRecord({ cell: of('spin'), trial })),
      sampleRecord({ cell: of('nbd-dead'), trial: 0, outcome: 'unsupported', reason: words, frozenUs: null }),
      sampleRecord({ cell: of('nested'), trial: 0, outcome: 'lab-error', reason: words, frozenUs: null }),
      sampleRecord({
        cell: of('exec-storm'),
        trial: 0,
        outcome: 'kernel-crash',
        reason: words,
        frozenUs: null,
      }),
    ],
  });
}

const schema = readFileSync(new URL('fixtures/junit.xsd', import.meta.url), 'utf8');
const errorsOf = async (xml: string): Promise<string[]> => {
  const { errors } = await validateXML({ xml: [{ fileName: 'r.xml', contents: xml }], schema: [schema] });
  return errors.map(({ message }) => message);
};

describe('JUnit', () => {
  it('is valid, with failures of the kernel, errors of ours and what is skipped', async () => {
    const summary = await make();
    const xml = junitReport(summary, judge(summary, expectations));
    expect(await errorsOf(xml)).toEqual([]);
    expect(xml).toContain(
      '<testsuite name="debian-12" tests="6" failures="2" errors="1" skipped="1" time="80.072000" timestamp="2026-11-23T01:59:40"',
    );
    expect(xml).toMatch(
      /<testcase classname="debian-12.v1.none" name="mt-exec-storm single" time="80.009000">\s*<failure message="/,
    );
    expect(xml).toMatch(
      /name="nbd-dead single"[^>]*>\s*<skipped message="\\x1b\]0;owned\\x07 &lt;img src=x&gt;/,
    );
    expect(xml).toMatch(/name="nested single"[^>]*>\s*<error message="/);
    expect(xml).toMatch(/name="exec-storm single"[^>]*>\s*<failure message="/);
  });

  it('is not valid when a count is missing: the schema looks', async () => {
    const summary = await make();
    expect(await errorsOf(junitReport(summary, []).replace(' tests="6"', ''))).not.toEqual([]);
  });

  it('is valid whatever a guest says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (words) => {
        const summary = await make(words);
        expect(await errorsOf(junitReport(summary, judge(summary, expectations)))).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});

it('TAP has a test point for each cell, and says why', async () => {
  const summary = await make();
  const lines = tapReport(summary, judge(summary, expectations)).split('\n');
  expect(lines.slice(0, 2)).toEqual(['TAP version 14', '1..6']);
  const points = lines
    .filter((line) => /^(not )?ok /.test(line))
    .map((line) => line.replace(/ # SKIP.*/, ' # SKIP'));
  expect(points).toEqual([
    'not ok 1 - debian-12/v1/none/mt-exec-storm/single',
    'ok 2 - debian-12/v1/none/sleep/single',
    'ok 3 - debian-12/v1/none/spin/single',
    'ok 4 - debian-12/v1/none/nbd-dead/single # SKIP',
    'not ok 5 - debian-12/v1/none/nested/single',
    'not ok 6 - debian-12/v1/none/exec-storm/single',
  ]);
  expect(lines.filter((line) => line === '  state: "undecided"')).toHaveLength(1);
  expect(
    lines.filter((line) => /^ {2}message: "debian-12\S+spin\S+ expected a rate/.test(line)),
  ).toHaveLength(1);
  // a hash in the guest's words is not a directive
  expect(lines.find((line) => line.startsWith('ok 4'))?.match(/(?<!\\)#/g)).toHaveLength(1);
});

/** The fields of CSV text (RFC 4180). */
const parse = (text: string): string[][] =>
  text
    .split('\r\n')
    .slice(0, -1)
    .map((line) =>
      [...line.matchAll(/(?:^|,)("(?:[^"]|"")*"|[^,]*)/g)].map(([, field = '']) =>
        field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
      ),
    );

it('CSV has a row for each cell, as many fields in each, and no formula', async () => {
  const summary = await make('=1+1,"x"');
  const [head = [], ...rows] = parse(csvReport(summary, judge(summary, expectations)));
  expect(rows).toHaveLength(6);
  expect(rows.map((row) => row.length)).toEqual(rows.map(() => head.length));
  const of = (row: number, column: string): string | undefined => rows[row]?.[head.indexOf(column)];
  expect([of(0, 'rate'), of(0, 'status'), of(1, 'p50_us'), of(3, 'status')]).toEqual([
    '0.5',
    'failed',
    '1200',
    'skipped',
  ]);
  expect(of(3, 'why')).toBe('\'=1+1,"x"');
});
