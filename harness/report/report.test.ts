import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge } from '../analyse/expect.ts';
import { summarise } from '../analyse/summarise.ts';
import { cellName, type RunName, type Summary } from '../analyse/summary.ts';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { escapeMarkdown, escapeTerminal } from './escape.ts';
import { runPage } from './html/run.ts';
import { jsonReport } from './json.ts';
import { markdownReport } from './markdown.ts';
import { terminalReport } from './terminal.ts';
import { milliseconds, percent } from './words.ts';

const run: RunName = {
  id: '2026-11-23T02-00-00Z-nightly',
  name: 'nightly',
  started: '2026-11-23T02:00:00Z',
  status: 'interrupted',
  trials: 4,
  lab: 'tcg',
};
const cellOf = (workload: string, strategy: string): string => `debian-12/v1/none/${workload}/${strategy}`;
const evil = '\u001b]0;owned\u0007 | <img src=x> \u202e`';

function trials(
  cell: string,
  frozen: number,
  failed: number,
  change: Partial<TrialRecord> = {},
): TrialRecord[] {
  return Array.from({ length: frozen + failed }, (_, trial) =>
    trial < frozen
      ? sampleRecord({ cell, trial, ...change })
      : sampleRecord({
          ...{ cell, trial, outcome: 'not-frozen', frozenUs: null },
          blockers: [{ pid: 1, comm: evil, state: 'D', wchan: 'begin_new_exec', syscall: 59, stack: [] }],
          ...change,
        }),
  );
}

async function makeSummary(): Promise<Summary> {
  const single = { ...sampleRecord().machine, threads: 'single' as const, boot: 'other' };
  return summarise({
    run,
    cells: [
      ...['single', 'runc'].map((strategy) => cellName(cellOf('mt-exec-storm', strategy))),
      ...['single', 'runc'].map((strategy) => cellName(cellOf('sleep', strategy))),
      cellName(cellOf('spin', 'single')),
    ],
    records: [
      ...trials(cellOf('mt-exec-storm', 'single'), 1, 3),
      ...trials(cellOf('mt-exec-storm', 'runc'), 3, 0),
      sampleRecord({
        cell: cellOf('mt-exec-storm', 'runc'),
        trial: 3,
        outcome: 'kernel-crash',
        reason: evil,
      }),
      ...trials(cellOf('sleep', 'single'), 2, 0),
      sampleRecord({ cell: cellOf('sleep', 'single'), trial: 3, machine: single }),
      sampleRecord({ cell: cellOf('sleep', 'runc'), outcome: 'unsupported', reason: evil }),
    ],
  });
}

const plain = { colour: false, width: 150 };

describe('the report for a terminal', () => {
  it('shows the table, what blocked, and everything that is not a plain rate', async () => {
    const summary = await makeSummary();
    const judgements = judge(summary, [
      { where: { strategy: ['single'] }, of: 'rate', op: '>=', value: 0.99, text: '>= 0.99' },
      { where: { workload: ['sleep'] }, of: 'p95', op: '<=', value: 500, text: '<= 500us' },
      { where: {}, of: 'casualties', op: '<=', value: 0.01, text: '<= 0.01' },
    ]);
    expect(terminalReport(summary, judgements, plain)).toMatchInlineSnapshot(`
      "2026-11-23T02-00-00Z-nightly, started 2026-11-23T02:00:00Z, interrupted: go on with --resume

                          single                        runc
      debian-12  6.1.0-56-cloud-amd64
        v1 mt-exec-storm  1/4 25% [3-76]    1.2/1.2 x   3/3 100% [38-100] 1.2/1.2 !
        v1 sleep          3/3 100% [42-100] 1.2/1.2 xm  unsupported
        v1 spin           not measured

      What blocked
        debian-12 v1 mt-exec-storm: 3 of 3: begin_new_exec in D

      Kernel crashes and hangs
        debian-12/v1/none/mt-exec-storm/runc: 1 × kernel-crash: \\x1b]0;owned\\x07 | <img src=x> \\u202e\`

      Not measured
        debian-12/v1/none/sleep/runc: unsupported: \\x1b]0;owned\\x07 | <img src=x> \\u202e\`
        debian-12/v1/none/spin/single: not-run: no trial was run

      Fewer trials than planned
        debian-12/v1/none/sleep/single: 3 of 4 trials: interrupted: go on with --resume

      Expectations missed
        debian-12/v1/none/mt-exec-storm/single: expected a rate >= 0.99, found 1/4, 25% [3-76]
        debian-12/v1/none/sleep/single: expected p95 <= 500us, found 1.2 ms [1.2 ms to never]

      Expectations undecided
        debian-12/v1/none/mt-exec-storm/single: expected casualties <= 0.01, found 0/4, 0% [0-58]
        debian-12/v1/none/mt-exec-storm/runc: expected casualties <= 0.01, found 0/3, 0% [0-62]
        debian-12/v1/none/sleep/single: expected a rate >= 0.99, found 3/3, 100% [42-100]
        debian-12/v1/none/sleep/single: expected casualties <= 0.01, found 0/3, 0% [0-58]

      States
        1 unsupported, 2 missed, 1 crashed, 1 not-measured: exit code 1

      Emulation
        qemu, tcg, thread=multi, QEMU 10.0.2, cpu Nehalem: 9 trials
        qemu, tcg, thread=single, QEMU 10.0.2, cpu Nehalem: 1 trial
        MIXED in 1 cell (marked m): such a rate belongs to no single kind of machine

      Marks
        x an expectation was missed
        ! the kernel crashed or hung in some trials
        m mixed: from several kernels or ways of emulation

      Method
        Rates: 95 % Wilson score interval on the effective number of trials, with Student's t: trials in one boot are not independent. Times: median/95th percentile to FROZEN, in ms.
      "
    `);
  });

  it('is the same in colour but for the colours', async () => {
    const summary = await makeSummary();
    const coloured = terminalReport(summary, [], { ...plain, colour: true });
    // oxlint-disable-next-line no-control-regex -- the colours themselves
    const bare = coloured.replaceAll(/\u001b\[\d+m/g, '').replaceAll(/ +$/gm, '');
    expect(bare).toBe(terminalReport(summary, [], plain));
    expect(coloured).not.toBe(bare);
  });

  it('puts strategies that do not fit into a table below', async () => {
    const narrow = terminalReport(await makeSummary(), [], { colour: false, width: 60 });
    const table = narrow.slice(0, narrow.indexOf('What blocked'));
    expect(
      Math.max(
        ...table
          .split('\n')
          .slice(1)
          .map(({ length }) => length),
      ),
    ).toBeLessThanOrEqual(60);
    expect(table.match(/^debian-12/gm)).toHaveLength(2);
  });

  it('of no records and no cells is a sentence', async () => {
    const nothing = await summarise({ run, cells: [], records: [] });
    expect(terminalReport(nothing, [], plain)).toContain('no trial is recorded');
    expect(markdownReport(nothing, [])).toContain('no trial is recorded');
  });
});

describe('what a kernel said in trials that ended well', () => {
  it('is in every report that is for people, and marked', async () => {
    const cell = cellOf('sleep', 'single');
    const facts = [{ kind: 'warning' as const, line: `WARNING: CPU: 0 ${evil}`, count: 1 }];
    const records = trials(cell, 2, 0, { window: { phase: 'cleanup', facts } });
    const summary = await summarise({ run, cells: [cellName(cell)], records });
    const words = '2 × frozen, and the kernel warned: WARNING: CPU: 0';
    const text = terminalReport(summary, [], plain);
    expect(text).toContain(`What kernels told of trouble\n  ${cell}: ${words} \\x1b]0;owned\\x07`);
    expect(text).toMatch(/2\/2 100% .* <k$/m);
    expect(text).toContain('  k the kernel told of trouble in some trials');
    expect(markdownReport(summary, [])).toContain(`### What kernels told of trouble\n\n- ${cell}: 2`);
    const page = runPage({ summary, judgements: [], explanations: [], consoles: new Map() });
    expect(page.texts).toContainEqual(expect.stringContaining(words));
    expect(page.notes.map(({ title }) => title)).toContain('What kernels told of trouble');
    expect(JSON.parse(jsonReport(summary, []))).toMatchObject({
      cells: [{ kernelNotes: [{ kind: 'warning', outcome: 'frozen', trials: 2 }] }],
    });
  });
});

describe('the report in Markdown', () => {
  it('is a table of as many cells in each line, with nothing of the guest in force', async () => {
    const text = markdownReport(await makeSummary(), []);
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    expect(rows).toHaveLength(5);
    expect(new Set(rows.map((row) => row.replaceAll('\\|', '').split('|').length))).toEqual(new Set([6]));
    expect(text).toContain('1/4 25% \\[3-76\\] 1.2/1.2');
    expect(text).not.toMatch(/<img|\p{Cc}(?<!\n)|\p{Bidi_Control}/u);
  });
});

describe('the report in JSON', () => {
  it('has a line of fields for each cell', async () => {
    const report = JSON.parse(jsonReport(await makeSummary(), [])) as { cells: object[] };
    expect(report).toMatchObject({ schema: 1, run: run.id });
    expect(report.cells[0]).toMatchObject({
      id: cellOf('mt-exec-storm', 'single'),
      distro: 'debian-12',
      release: '6.1.0-56-cloud-amd64',
      ...{ cgroup: 'v1', runtime: 'none', workload: 'mt-exec-storm', strategy: 'single' },
      ...{ trials: 4, frozen: 1, rate: 0.25, p50Us: 1200, p95Us: 1200, boots: 1, reason: null },
      outcomes: { frozen: 1, 'not-frozen': 3 },
      blockers: [{ where: 'begin_new_exec', state: 'D', trials: 3, comm: evil }],
    });
  });
});

describe('escapes', () => {
  it('leave nothing that acts, whatever the guest says', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, (drawn) => {
        expect(escapeTerminal(drawn)).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
        const markdown = escapeMarkdown(drawn);
        expect(markdown).not.toMatch(/[<>]|(?<!\\)(?:\\\\)*[|`*[\]]/);
      }),
      { numRuns: 2000 },
    );
  });

  it('leave words as they are', () => {
    const words = 'BUG: unable to handle page fault, naïve 日本語 🧊';
    expect(escapeTerminal(words)).toBe(words);
    expect(escapeTerminal('\u001b[31m')).toBe('\\x1b[31m');
  });
});

describe('figures', () => {
  it.each([
    [1, '100'],
    [0.9999, '99'],
    [0.995, '99'],
    [0.0001, '1'],
    [0, '0'],
    [0.554, '55'],
  ])('show a rate of %f as %s %', (rate, text) => {
    expect(percent(rate)).toBe(text);
  });

  it.each([
    [4, '0.00'],
    [412, '0.41'],
    [9960, '10'],
    [3210, '3.2'],
    [127_400, '127'],
  ])('show %i us as %s ms', (us, text) => {
    expect(milliseconds(us)).toBe(text);
  });
});
