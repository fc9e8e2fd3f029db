import { describe, expect, it } from 'vitest';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { compare, countOf, worseCount } from './compare.ts';
import { counterparts } from './counterparts.ts';
import { summarise } from './summarise.ts';
import { cellName, type RunName, type Summary } from './summary.ts';

const cellOf = (distro: string, workload: string): string => `${distro}/v1/none/${workload}/single`;

/** Five boots of a cell with ten trials each; `frozen` says how many froze in each boot. */
function trials(cell: string, frozen: readonly number[], change: Partial<TrialRecord> = {}): TrialRecord[] {
  return frozen.flatMap((count, boot) =>
    Array.from({ length: 10 }, (_, i) =>
      sampleRecord({
        ...{ cell, trial: boot * 10 + i, outcome: i < count ? 'frozen' : 'not-frozen' },
        machine: { ...sampleRecord().machine, boot: `b${boot}` },
        ...change,
      }),
    ),
  );
}

function summary(id: string, records: readonly TrialRecord[]): Promise<Summary> {
  const run: RunName = { id, name: 'n', started: null, status: 'finished', trials: 50, lab: null };
  const cells = [...new Set(records.map(({ cell }) => cell))].map(cellName);
  return summarise({ run, cells, records });
}

const all = [10, 10, 10, 10, 10];
const half = [5, 4, 6, 5, 5];
const some = [10, 7, 10, 8, 10];
const none = [0, 0, 0, 0, 0];

describe('compare', () => {
  it('tells worse, better, the same and undecided, and what only one run has', async () => {
    const name = (workload: string): string => cellOf('a', workload);
    const base = await summary('base', [
      ...trials(name('lost'), all),
      ...trials(name('won'), half),
      ...trials(name('kept'), all),
      ...trials(name('never'), none),
      ...trials(name('doubt'), all),
      ...trials(name('gone'), all),
    ]);
    const head = await summary('head', [
      ...trials(name('lost'), half),
      ...trials(name('won'), all),
      ...trials(name('kept'), all),
      ...trials(name('never'), none),
      ...trials(name('doubt'), some),
      ...trials(name('new'), all),
    ]);
    const comparison = compare(base, head, 0.2);
    expect(
      comparison.changes.map(({ head: cell, change, by }) => [
        cell.workload,
        change,
        Math.round(by.rate * 100),
      ]),
    ).toEqual([
      ['lost', 'worse', -50],
      ['won', 'better', 50],
      ['kept', 'same', 0],
      ['never', 'same', 0],
      ['doubt', 'undecided', -10],
    ]);
    expect(comparison.added.map(({ workload }) => workload)).toEqual(['new']);
    expect(comparison.gone.map(({ workload }) => workload)).toEqual(['gone']);
    expect([worseCount(comparison), countOf(comparison, 'same')]).toEqual([1, 2]);
  });

  it('corrects for the rates that can differ, not for those that froze always or never', async () => {
    const sure = Array.from({ length: 40 }, (_, i) =>
      trials(cellOf('a', `sure${i}`), i % 2 === 0 ? all : none),
    ).flat();
    const base = await summary('base', [...trials(cellOf('a', 'w'), half), ...sure]);
    const head = await summary('head', [...trials(cellOf('a', 'w'), all), ...sure]);
    const [first, second] = compare(base, head, 0.2).changes;
    expect(first?.adjusted).toBe(first?.p);
    expect(second).toMatchObject({ adjusted: 1, change: 'same' });
  });

  it('takes a wider margin at its word, also for what is no chance', async () => {
    const base = await summary('base', trials(cellOf('a', 'w'), all));
    const head = await summary('head', trials(cellOf('a', 'w'), half));
    expect(compare(base, head, 0.8).changes[0]?.change).toBe('same');
  });

  it('takes a kernel that crashes now for worse, and a cell that was not run for undecided', async () => {
    const crash = { outcome: 'kernel-crash', reason: 'Oops' } as const;
    const lab = { outcome: 'lab-error', reason: 'no boot' } as const;
    const base = await summary('base', [
      ...trials(cellOf('a', 'x'), all),
      ...trials(cellOf('a', 'y'), all),
      ...trials(cellOf('a', 'z'), all, crash),
    ]);
    const head = await summary('head', [
      ...trials(cellOf('a', 'x'), all, crash),
      ...trials(cellOf('a', 'y'), all, lab),
      ...trials(cellOf('a', 'z'), all),
    ]);
    const comparison = compare(base, head, 0.2);
    expect(comparison.lost.map(({ head: cell, change }) => [cell.workload, change])).toEqual([
      ['x', 'worse'],
      ['y', 'undecided'],
      ['z', 'better'],
    ]);
    expect(worseCount(comparison)).toBe(1);
  });

  it('names the kernels, runtimes, tools and machines that are others now', async () => {
    const { machine, guest } = sampleRecord();
    const tool = { name: 'criu-dump', code: 0, ok: true, us: 5, error: null };
    const side = (release: string, runtime: string, version: string, qemu: string): TrialRecord[] =>
      trials(cellOf('a', 'w'), all, {
        guest: { ...guest!, release, runtime },
        machine: { ...machine, qemu },
        tool: { ...tool, version },
      });
    const base = await summary('base', side('6.1.0-55', 'runc 1.1.5', 'criu 3.17.1', '10.0.2'));
    const head = await summary('head', side('6.1.0-56', 'runc 1.1.15', 'criu 4.1.1', '10.0.13'));
    expect(compare(base, head, 0.2).facts).toEqual([
      { what: 'kernel', of: 'a', base: '6.1.0-55', head: '6.1.0-56' },
      { what: 'runtime', of: 'a none', base: 'runc 1.1.5', head: 'runc 1.1.15' },
      { what: 'tool', of: 'a single', base: 'criu 3.17.1', head: 'criu 4.1.1' },
      {
        ...{ what: 'machines', of: 'a' },
        base: 'qemu, tcg, thread=multi, QEMU 10.0.2, cpu Nehalem',
        head: 'qemu, tcg, thread=multi, QEMU 10.0.13, cpu Nehalem',
      },
    ]);
    expect(compare(base, base, 0.2).facts).toEqual([]);
  });

  it('compares what a tool did beside the freeze only where that is not the same', async () => {
    const tool = { name: 'criu-dump', version: 'criu 4.1.1', code: 0, us: 5, error: null };
    const dumped = (done: number): TrialRecord[] =>
      trials(cellOf('a', 'w'), all).map((record, i) => ({ ...record, tool: { ...tool, ok: i % 10 < done } }));
    const [base, head] = [await summary('base', dumped(10)), await summary('head', dumped(4))];
    expect(compare(base, head, 0.2).changes.map(({ of, change }) => [of, change])).toEqual([
      ['frozen', 'same'],
      ['done', 'worse'],
    ]);
    expect(compare(base, base, 0.2).changes.map(({ of }) => of)).toEqual(['frozen']);
  });

  it('holds one distro against another of the same run', async () => {
    const run = await summary('run', [...trials(cellOf('a', 'w'), all), ...trials(cellOf('b', 'w'), half)]);
    const sides = counterparts(run, run, new Map([['a', 'b']]));
    const { changes, added, gone } = compare(sides.base, sides.head, 0.2);
    expect(changes.map(({ base, head, change }) => [base.id, head.id, change])).toEqual([
      [cellOf('b', 'w'), cellOf('b', 'w'), 'worse'],
    ]);
    expect([...added, ...gone]).toEqual([]);
  });
});
