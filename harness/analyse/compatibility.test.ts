import { describe, expect, it } from 'vitest';
import type { Matrix } from '../matrix/matrix.ts';
import { loadMatrix } from '../matrix/load.ts';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { adviceWords, evidenceWords } from '../report/compatibility.ts';
import { compatibility, type UseVerdict } from './compatibility.ts';
import { summarise } from './summarise.ts';
import { cellName } from './summary.ts';

const loaded = loadMatrix(
  `name: release
distros: { old: { driver: qemu, kernel: "deb:bullseye", userland: "deb:bullseye" }, new: { driver: qemu, kernel: "deb:trixie", userland: "deb:trixie" } }
cgroups: [v1, v2]
runtimes: [none, runc]
workloads: [sleep, vfork-exec-storm, mt-exec-storm, fuse-unanswered]
strategies:
  one: { preset: single, deadline: 5s }
  many: { preset: criu-4.1 }
  ours: { attempts: 7, poll: 1ms }
  pause: { tool: runc-pause }
  dump: { tool: criu-dump }`,
  'm.yaml',
);
const matrix: Matrix | undefined = loaded.ok ? loaded.matrix : undefined;
const releases = { old: '5.10.0-46-cloud-amd64', new: '6.12.9' } as const;

/** Trials of a cell in ten boots: `frozen` of `trials` froze. */
const some = (
  cell: string,
  [frozen, trials]: readonly [number, number],
  tool: TrialRecord['tool'] = null,
): TrialRecord[] =>
  Array.from({ length: trials }, (_, trial) => {
    const base = sampleRecord();
    return sampleRecord({
      ...{ cell, trial, tool },
      outcome: trial < frozen ? 'frozen' : 'not-frozen',
      guest: { ...base.guest!, release: cell.startsWith('old/') ? releases.old : releases.new },
      machine: { ...base.machine, boot: `${cell}-${trial % 10}` },
    });
  });

const judge = async (records: readonly TrialRecord[]) => {
  const cells = [...new Set(records.map(({ cell }) => cell))].map(cellName);
  const run = { id: 'r', name: 'n', started: null, status: 'finished', trials: 20, lab: null } as const;
  return compatibility([{ summary: await summarise({ run, cells, records }), matrix }]);
};
const brief = ({ purpose, name, cgroup, verdict }: UseVerdict): string =>
  `${purpose} ${cgroup} ${name}: ${verdict}`;

describe('the compatibility of kernels', () => {
  it('has the oldest first, each use once, with a verdict by all its cells', async () => {
    const kernels = await judge([
      ...some('new/v1/none/sleep/one', [40, 40]),
      ...some('new/v1/none/vfork-exec-storm/one', [10, 40]),
      ...some('new/v1/none/vfork-exec-storm/many', [60, 60]),
      ...some('new/v2/none/vfork-exec-storm/one', [60, 60]),
      ...some('new/v2/none/sleep/ours', [5, 5]),
      ...some('old/v1/none/vfork-exec-storm/one', [60, 60]),
    ]);
    expect(kernels.map(({ release, distros }) => [release, distros])).toEqual([
      [releases.old, ['old']],
      [releases.new, ['new']],
    ]);
    expect(kernels.map(({ uses }) => uses.map(brief))).toEqual([
      ["checkpoint v1 CRIU's loop before 4.1: works"],
      [
        "checkpoint v1 CRIU's loop before 4.1: unreliable",
        "checkpoint v1 CRIU's loop since 4.1: works",
        "checkpoint v2 CRIU's loop before 4.1: works",
        'freeze v2 ours: unknown',
      ],
    ]);
    expect(kernels[1]!.uses[0]).toMatchObject({
      all: { frozen: 50, trials: 80 },
      worst: { workload: 'vfork-exec-storm', runtime: 'none', frozen: 10, trials: 40 },
      instead: ["CRIU's loop since 4.1", 'cgroup v2'],
      since: { good: releases.old, bad: releases.new },
    });
    expect(kernels[0]!.uses[0]).toMatchObject({ worst: null, instead: [], since: null });
  });

  it('leaves out what nothing freezes, and calls what another way does freeze a failure', async () => {
    const [kernel] = await judge([
      ...some('new/v1/none/fuse-unanswered/one', [0, 20]),
      ...some('new/v1/none/fuse-unanswered/many', [0, 20]),
      ...some('new/v1/none/vfork-exec-storm/one', [0, 20]),
      ...some('new/v1/none/vfork-exec-storm/many', [60, 60]),
    ]);
    expect(kernel!.held).toEqual([{ cgroup: 'v1', workloads: ['fuse-unanswered'] }]);
    expect(kernel!.uses.map(brief)).toEqual([
      "checkpoint v1 CRIU's loop before 4.1: fails",
      "checkpoint v1 CRIU's loop since 4.1: works",
    ]);
  });

  it('calls a way that never froze what can be frozen a failure, though no other way was tried', async () => {
    const [kernel] = await judge([
      ...some('new/v1/none/sleep/one', [60, 60]),
      ...some('new/v1/none/mt-exec-storm/one', [0, 20]),
    ]);
    expect(kernel!.held).toEqual([]);
    expect(kernel!.uses[0]).toMatchObject({
      ...{ verdict: 'fails', worst: { workload: 'mt-exec-storm', frozen: 0, trials: 20 } },
      ...{ instead: [], better: null },
    });
  });

  it('believes what froze all the same', async () => {
    const [kernel] = await judge([
      ...some('new/v1/none/fuse-unanswered/one', [0, 20]),
      ...some('new/v1/none/fuse-unanswered/many', [20, 20]),
    ]);
    expect(kernel!.held).toEqual([]);
    expect(kernel!.uses.map(brief)[0]).toBe("checkpoint v1 CRIU's loop before 4.1: fails");
  });

  it('says what looks better where nothing is called reliable, and how many trials would tell', async () => {
    const [kernel] = await judge([
      ...some('new/v1/none/mt-exec-storm/one', [5, 8]),
      ...some('new/v1/none/mt-exec-storm/many', [7, 8]),
      ...some('new/v1/none/mt-exec-storm/ours', [8, 8]),
      ...some('new/v1/runc/mt-exec-storm/pause', [8, 8]),
    ]);
    const [pause, since, before, ours] = ['runc pause', 'since', 'before', 'ours'].map((words) =>
      kernel!.uses.find(({ name }) => name.includes(words))!,
    );
    // a loop of another purpose also counts; a program does not, since CRIU cannot do what it does, and its container
    // differs
    expect(before!.better).toMatchObject({ name: 'ours', frozen: 8, trials: 8 });
    expect(before!.better!.toTell).toBeGreaterThan(16);
    expect(before!.better!.toTell).toBeLessThan(100);
    expect(adviceWords(before!)).toMatch(
      /^Looks better: ours, 8 of 8 with mt-exec-storm; some \d+ trials of each would tell\.$/,
    );
    expect(since!.verdict).toBe('unreliable');
    expect([pause!.better, ours!.better]).toEqual([null, null]);
    // eight boots of one trial each: five times as many successes prove 90 %
    expect(ours!).toMatchObject({ verdict: 'unknown', needed: 40 });
    expect(adviceWords(ours!)).toBe('Measure more: 40 trials that go like these would prove it.');
  });

  it('has a verdict on what crashes the kernel, though nothing was counted', async () => {
    const crashed = some('new/v1/none/sleep/many', [20, 20]).map((record, trial): TrialRecord =>
      trial < 3 ? { ...record, outcome: 'kernel-crash', frozenUs: null, thaw: null } : record,
    );
    const lost = some('new/v1/none/fuse-unanswered/ours', [0, 4]).map((record): TrialRecord => ({
      ...record,
      outcome: 'kernel-hang',
    }));
    const [kernel] = await judge([...crashed, ...lost]);
    expect(kernel!.uses.map(brief)).toEqual([
      "checkpoint v1 CRIU's loop since 4.1: crashes",
      'freeze v1 ours: crashes',
    ]);
    expect(kernel!.uses.map(evidenceWords)).toEqual([
      'The kernel crashed or hung in 3 of 20 trials with sleep. 17 of 17 freezes, at least 80 %.',
      'The kernel crashed or hung in 4 of 4 trials with fuse-unanswered.',
    ]);
  });

  it('judges a program by the freeze, and tells what it did besides', async () => {
    const dump = { name: 'criu 4.1.1', code: 1, ok: false, error: 'no' } as unknown as TrialRecord['tool'];
    const [kernel] = await judge([
      ...some('new/v1/runc/sleep/dump', [60, 60], dump),
      ...some('new/v1/runc/sleep/many', [60, 60]),
    ]);
    const [program, loop] = kernel!.uses;
    expect(program).toMatchObject({ isTool: true, purpose: 'checkpoint', verdict: 'works', worst: null });
    expect(program!.unfinished).toMatchObject({ runtime: 'runc', workload: 'sleep', frozen: 0, trials: 60 });
    expect(loop).toMatchObject({ isTool: false, unfinished: null });
  });

  it('is empty without a rate', async () => {
    expect(await judge([])).toEqual([]);
  });
});
