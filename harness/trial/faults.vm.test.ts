import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { processStart } from '../base/owner.ts';
import { FrostlineError } from '../errors.ts';
import type { BootRequest } from '../lab/lab.ts';
import type { QemuLab } from '../lab/qemu/lab.ts';
import type { QemuMachine } from '../lab/qemu/machine.ts';
import { Qmp } from '../lab/qemu/qmp.ts';
import type { KernelWay, Matrix } from '../matrix/matrix.ts';
import {
  bringProgram,
  leftovers,
  matrixOf,
  openTestLab,
  shift,
  shiftOn,
  untilTrialRuns,
  type ShiftLog,
} from '../testing/machines.ts';

/** Two trials that each run into their deadline, which leaves time for something to happen to the machine. */
const matrixWith = (cmdline: string, memory = 512, deadline = '3s'): Matrix =>
  matrixOf(`name: test
trials: 2
machines: 1
deadline: ${deadline}
distros:
  guest: { driver: qemu, kernel: "deb:bullseye", cmdline: "${cmdline}", memory: ${memory} }
cgroups: [v1]
workloads: [fuse-unanswered]
strategies:
  single: { preset: single }
`);

/** Runs a command that may end the connection or the machine. */
const command =
  (words: string) =>
  (machine: QemuMachine): Promise<unknown> =>
    machine.exec(words, 20_000).catch(() => undefined);

/** The pid of `frostbite serve`: the oldest frostbite process except PID 1. */
const served = "$(pidof frostbite | tr ' ' '\\n' | sort -n | grep -vx 1 | head -n 1)";

const faults: readonly (readonly [
  what: string,
  act: (machine: QemuMachine) => Promise<unknown>,
  outcome: string,
  reason: RegExp,
])[] = [
  ['QEMU is killed', async ({ pid }) => process.kill(pid, 'SIGKILL'), 'lab-error', /QEMU ended with SIGKILL/],
  [
    'the guest panics',
    command('echo c > /proc/sysrq-trigger'),
    'kernel-crash',
    /Kernel panic|sysrq|Oops|NULL pointer/i,
  ],
  [
    'the machine is stopped by somebody',
    ({ monitor }) => monitor.execute('stop'),
    'lab-error',
    /^machine stopped by somebody else: vCPUs paused/,
  ],
  [
    'the machine is held and cannot be let go on',
    async (machine) => {
      await machine.pause();
      const { monitor } = machine;
      monitor.execute = () => Promise.reject(new FrostlineError('QMP cont: refused', { code: 'machine' }));
      await machine.resume().catch(() => undefined);
      // so that the machine can be shut down afterwards
      monitor.execute = Qmp.prototype.execute.bind(monitor);
    },
    'lab-error',
    /^frostline could not stop its machine, or let it go on: QMP cont: refused/,
  ],
  ['the SSH server dies', command('kill -9 $PPID'), 'lab-error', /^connection lost/],
  ['frostbite crashes', command(`kill -SEGV ${served}`), 'lab-error', /^frostbite ended with SIGSEGV/],
  [
    'something prints on its output',
    command(`echo nonsense > /proc/${served}/fd/1`),
    'lab-error',
    /^frostbite broke the protocol: nonsense/,
  ],
];

/**
 * Trouble that a guest survives: the trial is measured all the same, and what the kernel logged is reported with it.
 * It must happen within the time of two trials, so the guest whose memory is filled is small, and dd fills it, which
 * happens in the kernel, at once.
 */
const troubles = [
  ['has a full disk', 512, 'dd if=/dev/zero of=/fill bs=1M; test -s /fill', []],
  [
    'is out of memory',
    160,
    `echo 1 > /proc/sys/vm/overcommit_memory
     dd if=/dev/zero of=/dev/null bs=1G count=1; dmesg | grep -q "Out of memory"`,
    ['oom'],
  ],
  ['has its clock set', 512, 'date -s "2040-01-01 00:00:00"', []],
  ['warns', 512, 'echo "<3>WARNING: CPU: 0 PID: 1 at kernel/freezer.c:1" > /dev/kmsg', ['warning']],
] as const;

let lab: QemuLab;
beforeAll(async () => {
  lab = await openTestLab();
});
afterEach(async () => expect(await leftovers()).toEqual([]));

describe.each([
  ['that was booted', undefined],
  ['from a template', 0],
])('in the middle of a trial, on a machine %s', (_, template) => {
  it.each(faults)('%s', async (__, act, outcome, reason) => {
    const fail = (machine: QemuMachine, number: number): void => {
      if (number === 1) void untilTrialRuns(machine).then(() => act(machine));
    };
    const { trials, machines, lost } = await shift(lab, matrixWith(''), fail, template);
    expect(trials[0]).toMatchObject({
      trial: 0,
      machine: 'm1',
      outcome,
      reason: expect.stringMatching(reason),
    });
    expect(lost).toEqual([trials[0]!.reason]);
    // a trial with a lab error is retried, a kernel fault stands; a fresh machine runs the rest of the cell
    const rest = trials.slice(1).map(({ trial, machine, outcome: next }) => `${trial} ${machine} ${next}`);
    expect(rest).toEqual([...(outcome === 'lab-error' ? ['0 m2 not-frozen'] : []), '1 m2 not-frozen']);
    expect(machines.map(({ pid }) => processStart(pid))).toEqual([undefined, undefined]);
  });

  it.each(troubles)('the guest %s', async (__, memory, words, kinds) => {
    let made: Promise<{ code: number | null }> | undefined;
    const act = (machine: QemuMachine): void => {
      made = untilTrialRuns(machine).then(() => machine.exec(words, 20_000));
    };
    const { trials, lost } = await shift(lab, matrixWith('', memory, '10s'), act, template);
    expect(await made).toMatchObject({ code: 0 });
    expect(trials.map(({ trial, machine, outcome }) => `${trial} ${machine} ${outcome}`)).toEqual([
      '0 m1 not-frozen',
      '1 m1 not-frozen',
    ]);
    expect(trials.flatMap(({ window }) => window.facts.map(({ kind }) => kind))).toEqual(kinds);
    expect(lost).toEqual([]);
  });
});

describe('a machine', () => {
  it('that never boots is tried twice, then its cells are given up with the end of its console', async () => {
    const { trials, lost } = await shift(lab, matrixWith('rdinit=/none'));
    expect(trials).toEqual([]);
    expect(lost).toHaveLength(3);
    const given = lost.filter((line) => line.startsWith('guest'));
    expect(given).toEqual([
      expect.stringMatching(/ m2 did not boot: QEMU ended with code 0; .*Kernel panic - not syncing: VFS/),
    ]);
  });

  it('that boots slowly, because it prints all that it does, is waited for', async () => {
    const { trials, lost } = await shift(lab, matrixWith('ignore_loglevel initcall_debug'));
    expect(trials.map(({ outcome }) => outcome)).toEqual(['not-frozen', 'not-frozen']);
    expect(lost).toEqual([]);
  });
});

describe('a kernel', () => {
  /** Runs one trial that writes FROZEN repeatedly, while `hog` occupies these CPUs of its machine. */
  const hogged = async (kernel: string, cpus: string): Promise<ShiftLog> => {
    const matrix = matrixOf(`name: test
trials: 1
distros: { guest: { driver: qemu, kernel: "deb:${kernel}" } }
cgroups: [v1]
workloads: [fuse-unanswered]
strategies: { rewrite: { attempts: 100000, poll: 100ms, rewriteEvery: 1, deadline: 40s } }
`);
    const boot = async (request: BootRequest<KernelWay>): Promise<QemuMachine> => {
      const machine = await lab.boot(request);
      await bringProgram(machine, 'hog');
      void untilTrialRuns(machine).then(() => command(`/tmp/hog ${cpus}`)(machine));
      return machine;
    };
    return shiftOn({ boot }, matrix.distros.get('guest')!.ways[0] as KernelWay, matrix);
  };

  it('that schedules nothing any more has hung', async () => {
    const { trials, lost } = await hogged('bullseye', 'all');
    // the kernel may still be able to report it itself
    const reason =
      /^no heartbeat for \d+ s \(vCPUs running, they had .* s of the host, no command|rcu.* stalls? /;
    expect(trials).toMatchObject([{ outcome: 'kernel-hang', reason: expect.stringMatching(reason) }]);
    expect(lost).toEqual([trials[0]!.reason]);
  });

  // since Linux 6.1 the freezer takes the CPU hotplug lock; a CPU that cannot be taken offline holds it for ever
  it('that holds frostbite in a write to freezer.state has hung, and says where', async () => {
    const { trials, lost } = await hogged('bookworm', '1');
    const reason =
      /^frostbite is held in write to freezer\.state for \d+ s, in D: .*(?:percpu_rwsem_wait|cpus_read_lock)/;
    const window = { phase: 'freezing', stuck: { comm: 'frostbite', state: 'D', syscall: 1 } };
    expect(trials).toMatchObject([{ outcome: 'kernel-hang', reason: expect.stringMatching(reason), window }]);
    expect(trials[0]!.window.stuck!.stack).toContain('freezer_write');
    expect(lost).toEqual([trials[0]!.reason]);
  });
});
