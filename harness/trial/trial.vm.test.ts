import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QemuLab } from '../lab/qemu/lab.ts';
import type { KernelWay } from '../matrix/matrix.ts';
import {
  type Finished,
  leftovers,
  matrixOf,
  openTestLab,
  shift,
  type ShiftLog,
  tasksOf,
} from '../testing/machines.ts';
import { guestEventSchema, type GuestEvent } from './protocol.ts';
import { encodeRequest, keepWord, type TrialRequest } from './request.ts';

const matrixFor = (kernel: string, rest: string): string => `name: test
distros:
  guest: { driver: qemu, kernel: "${kernel}" }
${rest}
`;

const controls = `trials: 2
deadline: 1s
cgroups: [v1, v2]
workloads: [sleep, spin, { fork-exec-storm: { loops: 2, exec: tiny, load: 1 } }, pipe-read, sigstop, ptrace-stop, vfork-parent, dead-leader, fork-storm,
  thread-storm, thread-bomb, exec-storm, attach-to-frozen, io-uring, coredump-pipe, uffd-user,
  fuse-unanswered, fuse-flush, fuse-exit-flush, fsfreeze-write, loop-on-fuse, dm-suspend, nbd-dead,
  nfs-hung, nfs-hung-behind]
strategies:
  single: { preset: single }
  rewrite: { preset: rewrite }
  runc: { preset: runc }
  criu-4.1: { preset: criu-4.1 }
  v2: { preset: v2 }
exclude:
  - workload: &later [fuse-flush, loop-on-fuse, dm-suspend, nbd-dead, nfs-hung, nfs-hung-behind]
    strategy: [rewrite, runc, criu-4.1]
  - { workload: *later, cgroup: v2, strategy: single }`;

const races = `trials: 40
deadline: 1s
cgroups: [v1]
workloads: [vfork-exec-storm]
strategies:
  single: { preset: single }
  runc: { preset: runc }`;

const quickly = 'trials: 1\nstrategies: { single: { preset: single, deadline: 300ms } }';

/** Workloads that no strategy freezes, with their numbers of trials; those added later run with only two strategies. */
const held: readonly (readonly [string, number])[] = [
  ['fuse-unanswered', 16],
  ['fuse-exit-flush', 16],
  ['fsfreeze-write', 16],
  ['fuse-flush', 4],
  ['loop-on-fuse', 4],
  ['dm-suspend', 4],
  ['nbd-dead', 4],
  ['nfs-hung-behind', 4],
];
const workload = ({ cell }: Finished): string => cell.split('/')[3]!;
const told = (trials: readonly Finished[]): string[] => [
  ...new Set(trials.map(({ cell, outcome, reason }) => `${cell}: ${outcome} ${reason ?? ''}`)),
];

describe.each([
  ['deb:bullseye', /^5\.10\./],
  ['deb:trixie', /^6\.12\./],
])('the freezers of %s', (kernel, release) => {
  let lab: QemuLab;
  let log: ShiftLog;

  beforeAll(async () => {
    lab = await openTestLab();
    log = await shift(lab, matrixOf(matrixFor(kernel, controls)));
  });
  afterAll(async () => expect(await leftovers()).toEqual([]));

  it('were measured on one machine that stayed whole', () => {
    expect(log.lost).toEqual([]);
    expect(log.machines.map((machine) => machine.release)).toEqual([expect.stringMatching(release)]);
    expect(log.trials.every(({ reusable }) => reusable)).toBe(true);
  });

  it('tell what a workload was told, and what it was by itself', () => {
    const parametersOf = (name: string): unknown =>
      log.trials.find((trial) => workload(trial).startsWith(name))?.result?.parameters;
    expect(parametersOf('fork-exec-storm')).toEqual({ loops: 2, exec: 'tiny', load: 1 });
    expect(parametersOf('sleep')).toEqual({ load: 0 });
  });

  it('freeze what can be interrupted, in every trial, with every strategy, on v1 and v2', () => {
    const others = new Set([...held.map(([name]) => name), 'nfs-hung']);
    const trials = log.trials.filter((trial) => !others.has(workload(trial)));
    expect(told(trials.filter(({ outcome }) => outcome !== 'frozen'))).toEqual([]);
    expect(trials.map(({ result }) => result?.thaw?.outcome)).toEqual(trials.map(() => 'thawed'));
  });

  it.each(held)('never freeze %s, and leave its group thawed and its processes released', (name, count) => {
    const trials = log.trials.filter((trial) => workload(trial) === name);
    expect(trials.length).toBe(count);
    expect(told(trials.filter(({ outcome }) => outcome !== 'not-frozen'))).toEqual([]);
    for (const { result } of trials) {
      expect(result?.thaw).toMatchObject({ outcome: 'thawed', casualties: 0 });
      expect(result?.blockers.some(({ state }) => state === 'D')).toBe(true);
    }
  });

  it('take a wait for an NFS server for frozen on v1, and not on v2', () => {
    const trials = log.trials.filter((trial) => workload(trial) === 'nfs-hung');
    expect(trials.map(({ cell, outcome }) => `${cell.split('/')[1]} ${outcome}`).sort()).toEqual([
      ...['v1 frozen', 'v1 frozen', 'v2 not-frozen', 'v2 not-frozen'],
    ]);
    for (const { result } of trials) expect(result?.thaw).toMatchObject({ outcome: 'thawed', casualties: 0 });
  });
});

describe('a vfork parent', () => {
  it('is lost by one write in some trials from 6.1 on, and found by rewriting', async () => {
    const { trials, lost } = await shift(await openTestLab(), matrixOf(matrixFor('deb:trixie', races)));
    expect(lost).toEqual([]);
    const frozen = (strategy: string): number =>
      trials.filter(({ cell, outcome }) => cell.endsWith(strategy) && outcome === 'frozen').length;
    expect(frozen('/single')).toBeLessThan(40);
    expect(frozen('/runc')).toBeGreaterThanOrEqual(38);
  });
});

describe('a task in a group below', () => {
  it('keeps the group above from FROZEN, and is told with its own', async () => {
    const matrix = matrixOf(
      matrixFor('deb:trixie', `cgroups: [v1, v2]\nworkloads: [fuse-unanswered]\n${quickly}`),
    );
    const lab = await openTestLab();
    const way = matrix.distros.get('guest')!.ways[0] as KernelWay;
    await using machine = await lab.boot({ id: 'below', way, signal: new AbortController().signal });
    await using channel = await machine.serve();
    const events = channel.lines[Symbol.asyncIterator]();
    const until = async <E extends GuestEvent['ev']>(ev: E): Promise<GuestEvent & { readonly ev: E }> => {
      for (;;) {
        const event = guestEventSchema.parse(JSON.parse((await events.next()).value as string));
        if (event.ev === ev) return event as GuestEvent & { readonly ev: E };
      }
    };
    const tasks = tasksOf(matrix);
    expect(tasks.map(({ cell }) => cell.cgroup)).toEqual(['v1', 'v2']);
    for (const { request } of tasks) {
      channel.write(keepWord + encodeRequest(request as TrialRequest));
      const { group, frozen } = await until('kept');
      expect(frozen).toBe(false);
      const move = `cd ${group} && mkdir inner && for pid in $(cat cgroup.procs); do echo $pid > inner/cgroup.procs; done`;
      expect(await machine.exec(move, 20_000)).toMatchObject({ code: 0, stderr: '' });
      channel.write('\n');
      const { blockers, reusable } = await until('result');
      expect(blockers).toContainEqual(expect.objectContaining({ state: 'D', group: 'inner' }));
      expect(reusable).toBe(true);
    }
  });
});
