import { dirname } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { KernelWay } from '../../matrix/matrix.ts';
import { openTestLab } from '../../testing/machines.ts';
import { fetchKernel } from '../kernels/fetch.ts';
import type { Kernel } from '../kernels/kernel.ts';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await fetchKernel({
    kind: 'deb',
    text: 'deb:bullseye',
    suite: 'bullseye',
    package: null,
    version: null,
  });
});

const byPath = (modules: string | null): KernelWay => ({
  driver: 'qemu',
  kernel: { kind: 'path', text: `path:${kernel.image},${modules}`, image: kernel.image, modules },
  userland: null,
  cpus: 1,
  memoryMiB: 256,
  cmdline: null,
});

describe('a kernel given by its path', () => {
  it('boots with the modules of a `make modules_install` root', async () => {
    const lab = await openTestLab();
    const root = dirname(dirname(dirname(kernel.modules!)));
    const signal = new AbortController().signal;
    await using machine = await lab.boot({ id: 'p1', way: byPath(root), signal });
    expect(machine.release).toBe(kernel.release);
  });

  it('says so when it has no driver for the network card', async () => {
    const lab = await openTestLab();
    const booting = lab.boot({ id: 'p2', way: byPath(null), signal: new AbortController().signal });
    await expect(booting).rejects.toThrow('this kernel has no driver for the network card');
  });
});
