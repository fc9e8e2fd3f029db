import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../kernels/kernel.ts';
import { chooseHardware } from './hardware.ts';

/** A kernel with these modules, and these built in. */
async function kernelOf(modules: readonly string[], builtin: readonly string[]): Promise<Kernel> {
  const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  const paths = (names: readonly string[]): string =>
    names.map((name) => `kernel/drivers/${name}.ko`).join('\n');
  await writeFile(join(dir, 'modules.dep'), paths(modules).replaceAll('.ko', '.ko:'));
  await writeFile(join(dir, 'modules.builtin'), paths(builtin));
  return { release: '3.10.0', image: '/vmlinuz', modules: dir, origin: 'kernel-3.10.0', sha256: '' };
}

describe('the hardware of a machine', () => {
  it.each([
    // CONFIG_VIRTIO_PCI=m, VIRTIO_NET=m, VIRTIO_BLK=m as in CentOS 7
    ['virtio as modules', ['virtio_pci', 'virtio_net', 'virtio_blk'], [], { card: 'virtio', disk: 'virtio' }],
    // as in Ubuntu's builds of mainline
    [
      'virtio built in',
      ['e1000', 'ahci'],
      ['virtio_pci', 'virtio_net', 'virtio_blk', 'sd_mod'],
      { card: 'virtio', disk: 'virtio' },
    ],
    ['no virtio_net', ['virtio_pci', 'e1000', 'virtio_blk'], [], { card: 'e1000', disk: 'virtio' }],
    [
      'no PCI under its virtio',
      ['virtio_net', 'virtio_blk', 'e1000', 'ahci'],
      ['sd_mod'],
      { card: 'e1000', disk: 'ahci' },
    ],
    // as in `make defconfig`, with a folder of modules
    ['no virtio', [], ['e1000', 'ahci', 'sd_mod'], { card: 'e1000', disk: 'ahci' }],
  ])('of a kernel with %s', async (_, modules, builtin, chosen) => {
    expect(await chooseHardware(await kernelOf(modules, builtin), true)).toMatchObject(chosen);
  });

  it('is of every kind where nothing is known of the kernel', async () => {
    const kernel = { ...(await kernelOf([], [])), modules: null };
    expect(await chooseHardware(kernel, true)).toEqual({ card: 'both', disk: 'both', modules: [] });
  });

  it('needs no disk without a userland', async () => {
    const kernel = await kernelOf(['e1000'], []);
    expect(await chooseHardware(kernel, false)).toMatchObject({ card: 'e1000', modules: ['e1000'] });
    await expect(chooseHardware(kernel, true)).rejects.toThrow(
      'kernel-3.10.0 has no driver for a disk: no virtio_pci and virtio_blk, no ahci and sd_mod, built in or as a module',
    );
  });

  it('is missing where the kernel knows no card', async () => {
    await expect(chooseHardware(await kernelOf(['virtio_net'], []), false)).rejects.toMatchObject({
      code: 'kernel',
      message: expect.stringContaining('no driver for a network card: no virtio_pci, no e1000'),
      todo: 'A machine needs virtio_pci and virtio_net, or e1000.',
    });
  });
});
