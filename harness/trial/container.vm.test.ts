import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QemuLab } from '../lab/qemu/lab.ts';
import {
  type Finished,
  leftovers,
  matrixOf,
  openTestLab,
  shift,
  type ShiftLog,
} from '../testing/machines.ts';

const matrixFor = (kernel: string, rest: string): string => `name: test
trials: 1
deadline: 1s
distros:
  guest: { driver: qemu, kernel: "${kernel}", userland: "deb:trixie" }
${rest}
`;

const boxes = `cgroups: [v1, v2]
runtimes: [runc, crun]
workloads: [vfork-parent, fuse-unanswered]
strategies:
  single: { preset: single, poll: 10ms }
  runc-pause: { tool: runc-pause }
  crun-pause: { tool: crun-pause }`;

const dumps = `cgroups: [v1, v2]
runtimes: [runc, runc-userns]
workloads: [sleep, pipe-read]
strategies:
  criu-dump: { tool: criu-dump }
  checkpoint: { tool: runc-checkpoint, preDump: true }
exclude: [{ runtime: runc-userns, strategy: criu-dump }]`;

const pods = `cgroups: [v1, v2, hybrid]
runtimes: [podman]
workloads: [vfork-parent]
strategies: { podman-pause: { tool: podman-pause } }`;

const axisOf = (cell: string, axis: number): string => cell.split('/')[axis]!;
const told = ({ cell, outcome, reason, result }: Finished): string =>
  [cell, outcome, reason, result?.tool?.error].filter((word) => typeof word === 'string').join(' ');

describe.each([
  ['deb:bullseye', /^5\.10\./],
  ['deb:trixie', /^6\.12\./],
])('containers on %s', (kernel, release) => {
  let lab: QemuLab;
  let log: ShiftLog;
  const of = (workload: string): Finished[] => log.trials.filter(({ cell }) => axisOf(cell, 3) === workload);

  beforeAll(async () => {
    lab = await openTestLab();
    log = await shift(lab, matrixOf(matrixFor(kernel, boxes)));
  });
  afterAll(async () => expect(await leftovers()).toEqual([]));

  it('are made by runc and crun, each of its own version, on one machine that stays whole', () => {
    expect(log.lost).toEqual([]);
    expect(log.machines.map((machine) => machine.release)).toEqual([expect.stringMatching(release)]);
    for (const { cell, result, reusable } of log.trials) {
      expect(result?.runtime).toMatch(new RegExp(`^${axisOf(cell, 2)} \\d+\\.\\d+`));
      expect(reusable).toBe(true);
    }
  });

  it('freeze and thaw with a vfork parent in D inside, by a loop and by the runtime itself', () => {
    const trials = of('vfork-parent');
    expect(trials).toHaveLength(8);
    expect(trials.filter(({ outcome }) => outcome !== 'frozen').map(told)).toEqual([]);
    expect(trials.map(({ result }) => result?.thaw)).toEqual(
      trials.map(() => expect.objectContaining({ outcome: 'thawed', casualties: 0 })),
    );
    const paused = trials.filter(({ cell }) => cell.endsWith('-pause'));
    expect(paused.map(({ result }) => result?.tool)).toEqual(
      paused.map(() => expect.objectContaining({ code: 0, ok: true, error: null })),
    );
  });

  it('do not freeze with a FUSE request unanswered inside, and are released', () => {
    const trials = of('fuse-unanswered');
    expect(trials).toHaveLength(8);
    expect(trials.filter(({ outcome }) => outcome !== 'not-frozen').map(told)).toEqual([]);
    for (const { result } of trials) {
      expect(result?.thaw).toMatchObject({ outcome: 'thawed', casualties: 0 });
      expect(result?.blockers.map(({ state }) => state)).toContain('D');
    }
  });

  it('are said to be paused by crun, and are not; runc says that it failed', () => {
    const paused = of('fuse-unanswered').filter(({ cell }) => cell.endsWith('-pause'));
    for (const { cell, result } of paused) {
      const says = axisOf(cell, 2) === 'crun';
      expect(result?.tool).toMatchObject(says ? { code: 0, ok: true } : { code: 1, ok: false });
    }
  });
});

describe('a checkpoint', () => {
  it('freezes, dumps, restores, and the workload goes on, with a user namespace too', async () => {
    const lab = await openTestLab();
    const { trials: all, lost } = await shift(lab, matrixOf(matrixFor('deb:trixie', dumps)));
    // a workload that reaches its server through a shared folder cannot be dumped: unsupported, not a lab error
    expect(lost.filter((reason) => !reason.includes('a container that CRIU dumps shares no /tmp'))).toEqual(
      [],
    );
    const trials = all.filter(({ cell }) => axisOf(cell, 3) === 'sleep');
    expect(all.filter((trial) => !trials.includes(trial)).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 6 }, () => 'unsupported'),
    );
    expect(trials).toHaveLength(6);
    expect(trials.filter(({ result }) => result?.tool?.ok !== true).map(told)).toEqual([]);
    for (const trial of trials) {
      expect(trial).toMatchObject({
        outcome: 'frozen',
        result: {
          tool: { version: expect.stringMatching(/^criu 4\./), ok: true },
          thaw: { outcome: 'thawed', casualties: 0 },
        },
      });
    }
  });
});

describe('a container of podman', () => {
  it('is paused and unpaused on v1 and v2; on hybrid, crun refuses', async () => {
    const { trials, lost } = await shift(await openTestLab(), matrixOf(matrixFor('deb:trixie', pods)));
    const [refused, paused] = [true, false].map((is) =>
      trials.filter(({ cell }) => (axisOf(cell, 1) === 'hybrid') === is),
    ) as [Finished[], Finished[]];
    expect(lost.every((reason) => reason.includes('crun refuses a hybrid set-up'))).toBe(true);
    expect(refused.map(({ outcome }) => outcome)).toEqual(['unsupported']);
    expect(paused).toHaveLength(2);
    for (const trial of paused) {
      expect(trial).toMatchObject({
        outcome: 'frozen',
        result: {
          runtime: expect.stringMatching(/^podman .*\d/),
          tool: { version: expect.stringMatching(/^podman .*\d/), ok: true },
          thaw: { outcome: 'thawed', casualties: 0 },
        },
      });
    }
  });
});
