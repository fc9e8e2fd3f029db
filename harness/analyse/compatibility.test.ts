import { describe, expect, it } from 'vitest';
import type { Matrix } from '../matrix/matrix.ts';
import { loadMatrix } from '../matrix/load.ts';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { compatibility, type UseVerdict } from './compatibility.ts';
import { summarise } from './summarise.ts';
import { cellName } from './summary.ts';

const loaded = loadMatrix(
  `name: release
distros: { old: { driver: qemu, kernel: "deb:bullseye", userland: "deb:bullseye" }, new: { driver: qemu, kernel: "deb:trixie", userland: "deb:trixie" } }
cgroups: [v1, v2]
runtimes: [none, runc]
workloads: [sleep, vfork-exec-storm, fuse-unanswered]
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

/** `frozen` of `trials` of a cell froze, in ten boots. */
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
