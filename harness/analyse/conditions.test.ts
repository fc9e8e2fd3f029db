import { describe, expect, it } from 'vitest';
import { jsonComparison } from '../report/compare/json.ts';
import { markdownComparison } from '../report/compare/markdown.ts';
import { terminalReport } from '../report/terminal.ts';
import { terminalComparison } from '../report/compare/terminal.ts';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { compare } from './compare.ts';
import { otherConditions } from './conditions.ts';
import { summarise } from './summarise.ts';
import { cellName, type Summary } from './summary.ts';

const cell = 'a/v1/none/vfork-exec-storm/single';

/** Four boots of ten trials, `frozen` of which froze, each record changed by `change`. */
function summary(id: string, frozen: number, change: Partial<TrialRecord>): Promise<Summary> {
  const records = Array.from({ length: 40 }, (_, trial) =>
    sampleRecord({
      ...{ cell, trial, outcome: trial % 10 < frozen ? 'frozen' : 'not-frozen' },
      machine: { ...sampleRecord().machine, boot: `b${Math.floor(trial / 10)}` },
      ...change,
    }),
  );
  const run = { id, name: 'n', started: null, status: 'finished', trials: 40, lab: null } as const;
  return summarise({ run, cells: [cellName(cell)], records });
}

const guest = sampleRecord().guest!;
const onCpus = (cpus: number): Partial<TrialRecord> => ({ guest: { ...guest, cpus } });

describe('cells under other conditions', () => {
  it.each([
    [onCpus(2), onCpus(4), 'cpus 2, then 4'],
    [{ parameters: { loops: 4, load: 0 } }, { parameters: { loops: 3, load: 0 } }, 'loops 4, then 3'],
  ])('are told and not compared', async (before, after, words) => {
    const [base, head] = [await summary('base', 10, before), await summary('head', 2, after)];
    const comparison = compare(base, head, 0.2);
    expect(comparison.changes).toEqual([]);
    expect(comparison.apart.map(({ how }) => how)).toEqual([[words]]);
    for (const text of [
      terminalComparison(comparison, { colour: false }),
      markdownComparison(comparison).replaceAll('\\', ''),
    ]) {
      expect(text).toContain('Nothing to compare: 1 cell ran under other conditions.');
      expect(text).toContain(`${cell}: ${words}`);
    }
    expect(JSON.parse(jsonComparison(comparison))).toMatchObject({ apart: [{ cell, how: [words] }] });
  });

  it('are compared when that is asked for', async () => {
    const [base, head] = [await summary('base', 10, onCpus(2)), await summary('head', 2, onCpus(4))];
    expect(compare(base, head, 0.2, { mixed: true }).changes).toMatchObject([{ change: 'worse' }]);
  });

  it('are none where older records do not say', async () => {
    const base = await summary('base', 10, {});
    const head = await summary('head', 2, { parameters: { loops: 4 } });
    expect(compare(base, head, 0.2).changes).toMatchObject([{ change: 'worse' }]);
  });
});

it('conditions that were not one and the same in a run are told', () => {
  expect(otherConditions([{ cpus: '2' }], [{ cpus: '2' }, { cpus: '4' }])).toEqual(['cpus 2, then 2 and 4']);
});

describe('a busy host', () => {
  const window = { ...sampleRecord().window!, host: { ranUs: 600, waitedUs: 400 } };

  it('is told by the share of their time that machines waited for it, and marked', async () => {
    const { cells } = await summary('busy', 10, { window });
    expect(cells[0]?.waited).toBeCloseTo(0.4);
    const text = terminalReport(await summary('busy', 10, { window }), [], { colour: false, width: 150 });
    expect(text).toMatch(/40\/40 .* b$/m);
    expect(text).toContain('b a busy host');
  });

  it('does not matter to a workload that is not busy', async () => {
    const records = [sampleRecord({ cell: 'a/v1/none/sleep/single', window })];
    const run = { id: 'r', name: 'n', started: null, status: 'finished', trials: 1, lab: null } as const;
    const { cells } = await summarise({ run, cells: [], records });
    expect(cells.map(({ waited }) => waited)).toEqual([null]);
  });

  it('is not told of where nobody knows', async () => {
    const { cells } = await summary('busy', 10, {});
    expect(cells[0]?.waited).toBeNull();
  });
});
