import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { processStart } from '../base/owner.ts';
import { findLeftovers } from '../lab/reap.ts';
import type { QemuLab } from '../lab/qemu/lab.ts';
import type { QemuMachine } from '../lab/qemu/machine.ts';
import { matrixOf, openTestLab, shift, untilTrialRuns } from '../testing/machines.ts';

/** Two trials that each wait out six seconds: time enough for something to happen to the machine. */
const matrix = matrixOf(`name: test
trials: 2
machines: 1
deadline: 6s
distros:
  guest: { driver: qemu, kernel: "deb:bullseye" }
cgroups: [v1]
workloads: [fuse-unanswered]
strategies:
  single: { preset: single }
`);

const faults: readonly (readonly [
  what: string,
  act: (machine: QemuMachine) => Promise<unknown>,
  outcome: string,
  reason: RegExp,
])[] = [
  ['QEMU is killed', async ({ pid }) => process.kill(pid, 'SIGKILL'), 'lab-error', /QEMU ended with SIGKILL/],
  [
    'the guest panics',
    (machine) => machine.exec('echo c > /proc/sysrq-trigger', 5000).catch(() => undefined),
    'kernel-crash',
    /Kernel panic|sysrq|Oops|NULL pointer/i,
  ],
  [
    'the machine stops',
    ({ monitor }) => monitor.execute('stop'),
    'kernel-hang',
    /no heartbeat for 15 s \(vCPUs paused\)/,
  ],
];

describe('in the middle of a trial', () => {
  let lab: QemuLab;
  beforeAll(async () => {
    lab = await openTestLab();
  });
  afterEach(async () => expect(await findLeftovers()).toEqual([]));

  it.each(faults)('%s', async (_, act, outcome, reason) => {
    const { trials, machines, lost } = await shift(lab, matrix, (machine, number) => {
      if (number === 1) void untilTrialRuns(machine).then(() => act(machine));
    });
    expect(trials[0]).toMatchObject({
      trial: 0,
      machine: 't1',
      outcome,
      reason: expect.stringMatching(reason),
    });
    expect(lost).toEqual([trials[0]!.reason]);
    // a lab error is tried again, a fault of the kernel stands; the rest of the cell goes on with a fresh machine
    const rest = trials.slice(1).map(({ trial, machine, outcome: next }) => `${trial} ${machine} ${next}`);
    expect(rest).toEqual([...(outcome === 'lab-error' ? ['0 t2 not-frozen'] : []), '1 t2 not-frozen']);
    expect(machines.map(({ pid }) => processStart(pid))).toEqual([undefined, undefined]);
  });
});
