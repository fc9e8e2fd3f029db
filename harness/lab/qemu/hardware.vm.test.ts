import { mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { matrixOf, openTestLab, shift } from '../../testing/machines.ts';
import { fetchDebianKernel } from '../kernels/debian.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { buildBase } from '../rootfs/base.ts';
import { buildModules } from '../rootfs/image.ts';
import { buildUserland } from '../rootfs/userland.ts';
import { tcg } from './accelerator.ts';
import { findQemu } from './binary.ts';
import { chooseHardware } from './hardware.ts';
import { bootMachine, type QemuMachine } from './machine.ts';

/** Debian's oldest kernel, in the flavour for real machines: cloud kernels have no network driver but virtio's. */
const source = { kind: 'deb', text: 'deb:bullseye', suite: 'bullseye', version: null } as const;
let kernel: Kernel;

/** Removes virtio from the list of its modules, so that no virtio driver is found. */
beforeAll(async () => {
  const whole = await fetchDebianKernel({ ...source, package: 'linux-image-5.10.0-??-amd64' });
  const modules = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  const dep = (await readFile(join(whole.modules!, 'modules.dep'), 'utf8')).split('\n');
  const kept = dep.filter((line) => !/^kernel\/drivers\/.*virtio[^:]*:/.test(line));
  if (kept.length === dep.length) throw new Error('this kernel has no virtio to leave out');
  await writeFile(join(modules, 'modules.dep'), kept.join('\n'));
  for (const part of ['modules.builtin', 'kernel'])
    await symlink(join(whole.modules!, part), join(modules, part));
  kernel = { ...whole, modules };
});

const look = 'readlink /sys/class/net/eth0/device/driver; cat /proc/mounts';
const devicesOf = async (machine: QemuMachine): Promise<string> => (await machine.exec(look, 20_000)).stdout;

describe('a kernel without virtio', () => {
  it('is reached by an e1000, has its userland behind AHCI, and is measured', async () => {
    const matrix = matrixOf(`name: old
trials: 2
machines: 1
distros:
  old: { driver: qemu, kernel: "path:${kernel.image},modules=${kernel.modules}", userland: "deb:trixie" }
cgroups: [v1, v2]
workloads: [sleep]
strategies:
  single: { preset: single }
`);
    const devices: Promise<string>[] = [];
    const log = await shift(await openTestLab(), matrix, (machine) => devices.push(devicesOf(machine)));
    expect(log.lost).toEqual([]);
    expect(log.trials.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 4 }, () => 'frozen'));
    const [seen] = await Promise.all(devices);
    expect(seen).toMatch(/drivers\/e1000$/m);
    expect(seen).toMatch(/^\/dev\/sda \/ ext4/m);
  });

  it('finds card and disk where both kinds are there', async () => {
    const { modules } = await chooseHardware(kernel, true);
    const qemu = await findQemu({});
    await using machine = await bootMachine({
      id: 'h1',
      run: 'test',
      qemu,
      accelerator: tcg(qemu),
      image: kernel.image,
      kernel: kernel.image,
      initrd: { base: await buildBase(), modules: await buildModules(kernel, modules, true) },
      hardware: { card: 'both', disk: 'both', modules },
      root: await buildUserland({ kind: 'deb', text: 'deb:trixie', suite: 'trixie' }),
      userland: 'deb:trixie',
      cpus: 1,
      memoryMiB: 256,
      cmdline: null,
      console: join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'h1.log'),
      bootTimeoutMs: 120_000,
      signal: new AbortController().signal,
    });
    const seen = await devicesOf(machine);
    expect(seen).toMatch(/drivers\/e1000$/m);
    expect(seen).toMatch(/^\/dev\/sda \/ ext4/m);
  });
});
