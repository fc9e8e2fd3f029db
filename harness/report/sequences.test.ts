import { describe, expect, it } from 'vitest';
import { judge } from '../analyse/expect.ts';
import { exitCode, statesOf } from '../analyse/state.ts';
import { summarise } from '../analyse/summarise.ts';
import { cellName, type RunName, type Summary } from '../analyse/summary.ts';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { jsonReport } from './json.ts';
import { markdownReport } from './markdown.ts';
import { terminalReport } from './terminal.ts';

const run: RunName = {
  id: '2026-11-23T02-00-00Z-conformance',
  name: 'conformance',
  started: '2026-11-23T02:00:00Z',
  status: 'finished',
  trials: 2,
  lab: 'tcg',
};
const cellOf = (distro: string, sequence: string): string => `${distro}/v1/none/${sequence}/steps`;
const failedStep = { step: 1, ok: false, us: 9, what: 'expect p', expected: 'state letter DT', found: 'S' };

function played(cell: string, trial: number, outcome: 'passed' | 'failed' | 'unsupported'): TrialRecord {
  const second = outcome === 'failed' ? failedStep : { step: 1, ok: true, us: 9 };
  return sampleRecord({
    ...{ cell, trial, outcome, frozenUs: null, writes: 0, reads: 0, states: [], thaw: null },
    reason: outcome === 'passed' ? null : `why ${outcome}`,
    steps: outcome === 'unsupported' ? [] : [{ step: 0, ok: true, us: 4 }, second],
  });
}

const old = cellOf('linux-5.10', 'ltp.freeze-thaw');
const young = cellOf('linux-6.12', 'ltp.freeze-thaw');
const lacking = cellOf('linux-5.10', 'kselftest.time-empty');

const summaryOf = async (more: readonly TrialRecord[] = []): Promise<Summary> =>
  summarise({
    run,
    cells: [...[old, lacking, young], ...new Set(more.map(({ cell }) => cell))].map(cellName),
    records: [
      played(old, 0, 'failed'),
      played(old, 1, 'passed'),
      played(young, 0, 'passed'),
      played(young, 1, 'passed'),
      played(lacking, 0, 'unsupported'),
      ...more,
    ],
  });

describe('sequences', () => {
  it('have a table of their own, and below it each step that failed', async () => {
    const text = terminalReport(await summaryOf(), [], { colour: false, width: 100 });
    expect(text.slice(text.indexOf('\n\n') + 2)).toBe(`passed                   linux-5.10   linux-6.12
v1 ltp.freeze-thaw       1/2          2/2
v1 kselftest.time-empty  unsupported

  linux-5.10  6.1.0-56-cloud-amd64
  linux-6.12  6.1.0-56-cloud-amd64

Steps that failed
  v1 ltp.freeze-thaw, step 1, expect p: expected state letter DT; found S on linux-5.10 (1 of 2)

Not measured
  linux-5.10/v1/none/kselftest.time-empty/steps: unsupported: why unsupported

States
  2 measured, 1 unsupported: exit code 0

Emulation
  qemu, tcg, thread=multi, QEMU 10.0.2, cpu Nehalem
`);
  });

  it('stand below the workloads of the same run', async () => {
    const text = terminalReport(await summaryOf([sampleRecord()]), [], { colour: true, width: 100 });
    expect(text.indexOf('vfork-exec-storm')).toBeGreaterThan(0);
    expect(text.indexOf('vfork-exec-storm')).toBeLessThan(text.indexOf('ltp.freeze-thaw'));
    expect(text).toContain('Wilson');
    const markdown = markdownReport(await summaryOf([sampleRecord()]), []);
    expect(markdown).toContain('| kernel | cell | single |');
    expect(markdown).toContain('| v1 ltp.freeze-thaw | 1/2 | 2/2 |');
    expect(markdown).toContain('- v1 ltp.freeze-thaw, step 1, expect p');
  });

  it('count what passed as a success, which an expectation can ask for', async () => {
    const summary = await summaryOf();
    const judgements = judge(summary, [
      { where: { strategy: ['steps'] }, of: 'rate', op: '==', value: 1, text: '== 1' },
    ]);
    expect(judgements.map(({ verdict }) => verdict)).toEqual(['missed', 'met']);
    expect(exitCode(statesOf(summary, judgements))).toBe(1);
    const { cells } = JSON.parse(jsonReport(summary, judgements)) as { cells: object[] };
    const { ok: _ok, us: _us, ...failure } = failedStep;
    expect(cells[0]).toMatchObject({
      trials: 2,
      frozen: 1,
      rate: 0.5,
      failures: [{ ...failure, trials: 1 }],
    });
  });
});
