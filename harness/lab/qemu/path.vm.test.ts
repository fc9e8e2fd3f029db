import { dirname } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
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

afterEach(() => void vi.unstubAllEnvs());

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

  it('boots as firmware would start it where it is told to, else from the vmlinux in it', async () => {
    // a kernel learns of the PC's screen from its real-mode code, which a vmlinux lacks
    const look = "dmesg | grep -o 'Console: colour [*A-Za-z]*'; nproc; uname -r";
    const seen: string[] = [];
    for (const how of ['bzimage', '']) {
      vi.stubEnv('FROSTLINE_BOOT', how);
      const lab = await openTestLab();
      const way = { ...byPath(kernel.modules), cpus: 2 };
      const { signal } = new AbortController();
      await using machine = await lab.boot({ id: 'p3', way, signal });
      seen.push((await machine.exec(look, 20_000)).stdout);
    }
    const rest = `\n2\n${kernel.release}`;
    expect(seen).toEqual([`Console: colour *CGA${rest}`, `Console: colour dummy${rest}`]);
  });

  it('says so when it has no driver for the network card', async () => {
    const lab = await openTestLab();
    const booting = lab.boot({ id: 'p2', way: byPath(null), signal: new AbortController().signal });
    await expect(booting).rejects.toThrow('this kernel has no driver for the network card');
  });
});
