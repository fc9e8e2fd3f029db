import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Matrix } from './matrix/matrix.ts';
import type { Answer } from './testing/fake.ts';
import { runFake } from './testing/fake-run.ts';
import { matrixOf } from './testing/machines.ts';

const frozen = { outcome: 'frozen', reusable: true } as const;

/** A matrix of these distros (name to way) and workloads. */
const matrixWith = (distros: Readonly<Record<string, string>>, workloads: string): Matrix =>
  matrixOf(`
name: test
trials: 6
machines: 3
distros: { ${Object.entries(distros)
    .map(([name, way]) => `${name}: ${way}`)
    .join(', ')} }
cgroups: [v2]
workloads: [${workloads}]
strategies: { single: { preset: single }, v2: { preset: v2 } }
`);
const qemu = '{ driver: qemu, kernel: "deb:trixie" }';
const local = '{ driver: local }';

describe('distros whose kernels take long to get', () => {
  it('are waited for by their own machines alone', async () => {
    const matrix = matrixWith({ slow: qemu, quick: qemu }, 'sleep, vfork-parent');
    const { done, answer } = counting(4 * matrix.trials);
    // the slow distro becomes ready only when all trials of the other are done
    const prepare = (distro: string) => (distro === 'slow' ? done : Promise.resolve());
    const end = await runFake({ matrix, answer, prepare, jobs: 2 });
    expect(end.stored.exitCode).toBe(0);
    const kinds = end.events.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'run-started')).toHaveLength(1);
    expect(kinds[0]).toBe('run-started');
  });

  it('are waited for by trials that need the whole host, which their builds would disturb', async () => {
    const matrix = matrixWith({ slow: local, quick: local }, 'spin');
    let isBooted = (): void => undefined;
    const booted = new Promise<void>((call) => (isBooted = call));
    let isBuilding = true;
    const early: string[] = [];
    const end = await runFake({
      ...{ matrix, jobs: 2 },
      prepare: async (distro) => {
        if (distro === 'quick') return;
        await booted;
        // by now a trial on the booted machine would have begun
        for (let i = 0; i < 100; i++) await setImmediate();
        isBuilding = false;
      },
      boot: (machine) => {
        isBooted();
        return Promise.resolve(machine);
      },
      answer: ({ workload }) => {
        if (isBuilding) early.push(workload);
        return frozen;
      },
    });
    expect(end.stored.exitCode).toBe(0);
    expect(early).toEqual([]);
  });

  it('and fail meanwhile are told, and the others measured', async () => {
    const matrix = matrixWith({ bad: qemu, quick: qemu }, 'sleep');
    const failed = { bad: new Error('no such kernel') };
    const end = await runFake({ matrix, answer: () => frozen, failed, jobs: 2 });
    expect(end.said.split('no such kernel')).toHaveLength(2);
    expect(end.problems).toHaveLength(2);
    expect(end.stored.exitCode).toBe(69);
  });
});

/** An answer that always freezes, and a promise that resolves at the n-th. */
function counting(n: number): { readonly done: Promise<void>; readonly answer: Answer } {
  let left = n;
  let resolve = (): void => undefined;
  const done = new Promise<void>((call) => (resolve = call));
  const answer: Answer = () => {
    if (--left === 0) resolve();
    return frozen;
  };
  return { done, answer };
}
