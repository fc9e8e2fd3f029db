import { FrostlineError } from '../../errors.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { planModules } from '../kernels/modules.ts';

/**
 * The kinds of network card and disk of a machine: virtio if the kernel has it, else hardware that has long been
 * common. `both` is for a kernel without a modules folder, since nobody knows what is built into it.
 */
export interface Hardware {
  readonly card: 'virtio' | 'e1000' | 'both';
  readonly disk: 'virtio' | 'ahci' | 'both';
  /** Modules that drive them, in the order to load them. */
  readonly modules: readonly string[];
}

const cards = { virtio: ['virtio_pci', 'virtio_net'], e1000: ['e1000'] } as const;
/** q35 has an AHCI controller; the disk behind it is a SCSI disk to Linux. */
const disks = { virtio: ['virtio_pci', 'virtio_blk'], ahci: ['ahci', 'sd_mod'] } as const;

/**
 * Chooses a network card, and a disk for a machine that has its root on one. Rejects ('kernel') when the kernel has no
 * driver for any kind.
 */
export async function chooseHardware(kernel: Kernel, hasDisk: boolean): Promise<Hardware> {
  if (kernel.modules === null) return { card: 'both', disk: 'both', modules: [] };
  const card = await firstOf(kernel, 'network card', cards);
  const disk = hasDisk ? await firstOf(kernel, 'disk', disks) : 'virtio';
  return { card, disk, modules: [...cards[card], ...(hasDisk ? disks[disk] : [])] };
}

async function firstOf<Name extends string>(
  kernel: Kernel,
  what: string,
  kinds: Readonly<Record<Name, readonly string[]>>,
): Promise<Name> {
  const entries = Object.entries(kinds) as [Name, readonly string[]][];
  const lacking: string[] = [];
  for (const [name, modules] of entries) {
    const { missing } = await planModules(kernel.modules, modules);
    if (missing.length === 0) return name;
    lacking.push(missing.join(' and '));
  }
  const all = entries.map(([, modules]) => modules.join(' and ')).join(', or ');
  throw new FrostlineError(
    `Kernel ${kernel.origin} has no driver for a ${what}: no ${lacking.join(', no ')}, built in or as a module.`,
    { code: 'kernel', todo: `A machine needs ${all}.` },
  );
}
