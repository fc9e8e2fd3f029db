import { beforeAll, describe, expect, it } from 'vitest';
import { Remote } from '../lab/remote.ts';
import type { KernelWay } from '../matrix/matrix.ts';
import { bringProgram, matrixOf, openTestLab, shiftOn, type ShiftLog } from '../testing/machines.ts';

// frostbite and runc behind a filter that removes what 3.10 does not have: system calls, pwrite(2) to files of cgroups,
// and NStgid in /proc/PID/status. Other differences of a real 3.10 are not covered.
const matrix = matrixOf(`name: test
trials: 1
deadline: 1s
distros: { old: { driver: qemu, kernel: "deb:bookworm", userland: "deb:bookworm" } }
cgroups: [v1]
runtimes: [none, runc]
workloads: [sleep, pipe-read, mt-exec-storm, attach-storm, fsfreeze-write, io-uring, uffd-kernel]
strategies: { runc: { preset: runc } }
`);

describe('frostbite on a kernel without what came after 3.10', () => {
  let log: ShiftLog;
  beforeAll(async () => {
    const lab = await openTestLab();
    const way = matrix.distros.get('old')!.ways[0] as KernelWay;
    log = await shiftOn(
      {
        boot: async (request) => {
          const machine = await lab.boot(request);
          const remote = await Remote.connect(
            { host: '127.0.0.1', user: 'root', ...machine.endpoint },
            30_000,
          );
          await bringProgram(machine, 'old-kernel');
          machine.serve = () => remote.open('/tmp/old-kernel /bin/frostbite serve ours');
          return machine;
        },
      },
      way,
      matrix,
    );
  });

  it('measures what there is and says of the rest what is lacking: no trial is an error of the lab', () => {
    expect(log.lost).toEqual([]);
    const told = log.trials.map(({ cell, outcome, reason }) => {
      const [, , runtime, workload] = cell.split('/');
      return `${runtime} ${workload}: ${outcome}${outcome === 'unsupported' ? `, ${reason}` : ''}`;
    });
    const lacks = (name: string): string =>
      expect.stringContaining(`${name}: Function not implemented`) as string;
    expect(told).toEqual(
      ['none', 'runc'].flatMap((runtime) => [
        `${runtime} sleep: frozen`,
        `${runtime} pipe-read: frozen`,
        `${runtime} mt-exec-storm: frozen`,
        `${runtime} attach-storm: frozen`,
        `${runtime} fsfreeze-write: not-frozen`,
        lacks('unsupported, io_uring'),
        lacks('unsupported, userfaultfd'),
      ]),
    );
  });
});
