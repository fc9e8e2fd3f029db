import { afterEach, expect, it } from 'vitest';
import type { KernelWay } from '../matrix/matrix.ts';
import { leftovers, matrixOf, openTestLab } from '../testing/machines.ts';

const matrix = matrixOf(`name: test
trials: 1
distros: { guest: { driver: qemu, kernel: "deb:bullseye", cmdline: "rdinit=/bin/sh" } }
cgroups: [v1]
workloads: [sleep]
strategies: { single: { preset: single } }`);

afterEach(async () => expect(await leftovers()).toEqual([]));

it('a guest that hangs in its boot is given up after two minutes, with the end of its console', async () => {
  const lab = await openTestLab();
  const way = matrix.distros.get('guest')!.ways[0] as KernelWay;
  const boot = lab.boot({ id: 'm1', way, signal: new AbortController().signal });
  await expect(boot).rejects.toMatchObject({
    code: 'machine',
    message: expect.stringMatching(/^m1 did not boot: "frostline: ready" on its console: not within 120 s\n/),
  });
});
