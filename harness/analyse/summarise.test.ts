import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { outcomes } from '../trial/outcome.ts';
import type { Blocker } from '../trial/protocol.ts';
import { summarise } from './summarise.ts';
import { cellName, type CellSummary, type RunName } from './summary.ts';
import { placeOf } from './trials.ts';

const run: RunName = { id: 'r', name: 'n', started: null, status: 'finished', trials: 8, lab: null };
const id = sampleRecord().cell;

async function summariseOne(records: readonly TrialRecord[]): Promise<CellSummary> {
  const { cells } = await summarise({ run, cells: [cellName(id)], records });
  expect(cells).toHaveLength(1);
  return cells[0]!;
}

const blocker = (wchan: string, state = 'D', stack: string[] = []): Blocker => ({
  pid: 5,
  comm: 'frostbite',
  state,
  wchan,
  syscall: 58,
  stack,
});

const inBoot = (boot: string): TrialRecord['machine'] => ({ ...sampleRecord().machine, boot });

describe('summarise', () => {
  it('counts a cell', async () => {
    const stuck = [blocker('wait_for_vfork_done'), blocker('wait_for_vfork_done'), blocker('0', 'R')];
    const cell = await summariseOne([
      ...[100, 200, 900].map((frozenUs, trial) => sampleRecord({ trial, frozenUs, machine: inBoot('a') })),
      sampleRecord({
        trial: 3,
        outcome: 'not-frozen',
        frozenUs: null,
        blockers: stuck,
        machine: inBoot('b'),
      }),
      sampleRecord({ trial: 4, outcome: 'not-frozen', frozenUs: null, blockers: stuck.slice(0, 1) }),
      sampleRecord({ trial: 5, outcome: 'false-frozen', reason: 'counter 2 moved' }),
      sampleRecord({ trial: 6, outcome: 'kernel-crash', reason: 'BUG: at x', thaw: null }),
      sampleRecord({ trial: 7, outcome: 'lab-error', reason: 'no network', thaw: null }),
    ]);
    expect(cell).toMatchObject({
      ...{
        distro: 'debian-12',
        cgroup: 'v1',
        runtime: 'none',
        workload: 'vfork-exec-storm',
        strategy: 'single',
      },
      ...{ trials: 6, frozen: 3, rate: 0.5, boots: 3, p50Us: 200, p95Us: 900, notFrozen: 2 },
      releases: ['6.1.0-56-cloud-amd64'],
      outcomes: { frozen: 3, 'not-frozen': 2, 'false-frozen': 1, 'kernel-crash': 1, 'lab-error': 1 },
      thaw: { thawed: 6 },
      blockers: [
        { where: 'wait_for_vfork_done', state: 'D', trials: 2 },
        { where: 'running', state: 'R', trials: 1 },
      ],
      environments: [{ text: 'qemu, tcg, thread=multi, QEMU 10.0.2, cpu Nehalem', trials: 6 }],
      notMeasured: null,
    });
    expect(cell.incidents.map(({ reason }) => reason)).toEqual([
      'BUG: at x',
      'counter 2 moved',
      'no network',
    ]);
  });

  it('tells what kernels said, of trials that ended well, too, and no reason twice', async () => {
    const warned = (at: string, pid: number): NonNullable<TrialRecord['window']> => ({
      phase: 'cleanup',
      facts: [
        { kind: 'warning', line: `[   ${at}] WARNING: CPU: 0 PID: ${pid} at kernel/freezer.c:1`, count: 3 },
      ],
    });
    const { window: _, ...old } = sampleRecord({ trial: 4 });
    const panic = 'Kernel panic - not syncing: x';
    const cell = await summariseOne([
      sampleRecord({ trial: 0, window: warned('1.000001', 7) }),
      sampleRecord({ trial: 1, window: warned('2.5', 9) }),
      sampleRecord({ trial: 2, outcome: 'not-frozen', window: warned('3.5', 9) }),
      sampleRecord({
        ...{ trial: 3, outcome: 'kernel-crash', reason: panic },
        window: { phase: 'freezing', facts: [{ kind: 'panic', line: panic, count: 1 }] },
      }),
      old,
    ]);
    const note = { kind: 'warning', line: 'WARNING: CPU: 0 PID: 7 at kernel/freezer.c:1' };
    expect(cell.kernelNotes).toEqual([
      { ...note, outcome: 'frozen', trials: 2 },
      { ...note, outcome: 'not-frozen', trials: 1 },
    ]);
  });

  it('keeps the last final record of a trial', async () => {
    const cell = await summariseOne([
      sampleRecord({ trial: 1, outcome: 'lab-error' }),
      sampleRecord({ trial: 1, outcome: 'not-frozen', blockers: [blocker('x')] }),
      sampleRecord({ trial: 1, outcome: 'frozen' }),
      sampleRecord({ trial: 1, outcome: 'lab-error' }),
    ]);
    expect(cell).toMatchObject({ trials: 1, frozen: 1, outcomes: { frozen: 1 }, blockers: [] });
  });

  it('never counts lab errors, nor any record twice, in whatever order they come', async () => {
    const records = fc.array(
      fc.record({
        trial: fc.nat(12),
        outcome: fc.constantFrom(...outcomes),
        boot: fc.constantFrom('a', 'b'),
      }),
    );
    await fc.assert(
      fc.asyncProperty(records, async (drawn) => {
        const all = drawn.map(({ boot, ...change }) => sampleRecord({ ...change, machine: inBoot(boot) }));
        const cell = await summariseOne(all);
        const total = Object.values(cell.outcomes).reduce((sum, count) => sum + count, 0);
        expect(total).toBe(new Set(all.map(({ trial }) => trial)).size);
        expect(await summariseOne([...all, ...all])).toEqual(cell);
        expect(cell.trials).toBeLessThanOrEqual(total - (cell.outcomes['lab-error'] ?? 0));
        expect(cell.rate === null).toBe(cell.notMeasured !== null);
      }),
    );
  });

  it.each([
    ['unsupported', 'no freezer', 'unsupported'],
    ['kernel-crash', 'panic', 'crash'],
    ['kernel-hang', 'silent', 'hang'],
    ['lab-error', 'disk', 'lab-error'],
  ] as const)('says that a cell with nothing but %s is not measured', async (outcome, reason, kind) => {
    const cell = await summariseOne([sampleRecord({ outcome, reason })]);
    expect(cell).toMatchObject({ trials: 0, rate: null, low: null, notMeasured: { kind, reason } });
  });

  it('tells cells that were given up from those never begun, and adds cells it was not told of', async () => {
    const cells = ['b/v1/none/sleep/single', 'a/v1/none/sleep/single'].map(cellName);
    const problems = [{ cell: cells[0]!.id, reason: 'no kernel' }];
    const summary = await summarise({ run, cells, records: [sampleRecord()], problems });
    expect(summary.cells.map((cell) => [cell.id, cell.notMeasured])).toEqual([
      [cells[0]!.id, { kind: 'given-up', reason: 'no kernel' }],
      [cells[1]!.id, { kind: 'not-run', reason: 'no trial was run' }],
      [id, null],
    ]);
  });
});

describe('placeOf', () => {
  it.each([
    ['request_wait_answer', 'D', [], 'request_wait_answer'],
    ['0', 'D', ['__schedule', 'schedule', 'de_thread', 'begin_new_exec'], 'de_thread'],
    ['schedule_timeout', 'S', [], 'schedule_timeout'],
    // the stack of a vfork parent on 6.12
    [
      'kernel_clone',
      'D',
      ['kernel_clone', '__do_sys_vfork', 'do_syscall_64'],
      'wait_for_vfork_done (inlined in kernel_clone)',
    ],
    ['kernel_clone', 'D', ['kernel_clone', '__do_sys_clone'], 'kernel_clone'],
    ['0', 'R', [], 'running'],
    ['0', 'D', [], 'unknown'],
  ])('of wchan %s in %s with stack %j is %s', (wchan, state, stack, expected) => {
    expect(placeOf({ wchan, state, stack })).toBe(expected);
  });
});
