import type { Hardware } from './hardware.ts';

/** What one piece of a machine adds to QEMU's command line and to the kernel's. */
export interface Device {
  readonly qemu?: readonly string[];
  readonly kernel?: readonly string[];
}

export interface Accelerator {
  readonly accel: 'kvm' | 'tcg';
  readonly threads: 'single' | 'multi' | null;
  readonly cpu: string;
}

/** No default devices, no display, no user configuration: only what is listed. */
export const bare: Device = { qemu: ['-nodefaults', '-no-user-config', '-display', 'none'] };

/** System calls QEMU does not need are refused by seccomp. */
export const sandbox: Device = {
  qemu: ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
};

/** A panic ends QEMU: the kernel reboots at once, and a reboot is an exit. An oops is a panic too. */
export const exitOnPanic: Device = { qemu: ['-no-reboot'], kernel: ['panic=-1', 'oops=panic'] };

/** One name for the network card whatever the kernel's age. */
export const stableNames: Device = { kernel: ['net.ifnames=0', 'biosdevname=0'] };

export const processor = ({ accel, threads, cpu }: Accelerator, cpus: number, memoryMiB: number): Device => ({
  qemu: [
    ...['-machine', 'q35,hpet=off', '-accel', threads === null ? accel : `${accel},thread=${threads}`],
    ...['-cpu', cpu, '-smp', String(cpus), '-m', String(memoryMiB)],
  ],
  // With RDRAND emulated, entropy is available from the start. Kernels that do not detect a hypervisor check the
  // timer's interrupts in real time (check_timer, arch/x86/kernel/apic/io_apic.c) and panic on a busy host; as guests
  // of KVM they skip that check by themselves.
  kernel: ['random.trust_cpu=on', ...(accel === 'tcg' ? ['no_timer_check'] : [])],
});

/** nbd.max_part=0: with nbd built in, opening a device whose server is silent would hang in the partition scan. */
export const boot = (kernel: string, initrd: string): Device => ({
  qemu: ['-kernel', kernel, '-initrd', initrd],
  kernel: ['rdinit=/init', 'nbd.max_part=0'],
});

/** RAM in a file: a template shares its RAM with the file, a clone maps it copy-on-write. */
export const memory = (file: string, memoryMiB: number, share: 'on' | 'off'): Device => ({
  qemu: [
    ...[
      '-object',
      `memory-backend-file,id=ram,size=${memoryMiB}M,mem-path=${escapeComma(file)},share=${share}`,
    ],
    ...['-machine', 'memory-backend=ram'],
  ],
});

/** Waits for the saved state of an identical machine instead of booting. */
export const incoming: Device = { qemu: ['-incoming', 'defer'] };

/** A second serial line, a socket on this host, over which a clone gets its own identity. */
export const line = (socket: string): Device => ({
  qemu: [
    ...['-chardev', `socket,id=line,path=${escapeComma(socket)},server=on,wait=off`],
    ...['-serial', 'chardev:line'],
  ],
});

const disks = {
  virtio: { model: 'virtio-blk-pci', node: '/dev/vda' },
  ahci: { model: 'ide-hd', node: '/dev/sda' },
} as const;

/**
 * A disk with the guest's root. Writes go to an unlinked file that ends with QEMU, or with `isKept` to the image. With
 * `both` the disk is attached twice, and the guest uses the first one it sees.
 */
export function root(image: string, disk: Hardware['disk'], isKept = false): Device {
  const kinds = disk === 'both' ? (['virtio', 'ahci'] as const) : [disk];
  // nobody else uses the image that is kept, but with `both` QEMU opens it twice
  const written = isKept ? 'cache=unsafe,file.locking=off' : 'snapshot=on';
  return {
    qemu: kinds.flatMap((kind) => [
      ...['-drive', `if=none,id=root-${kind},format=raw,${written},file=${escapeComma(image)}`],
      ...['-device', `${disks[kind].model},drive=root-${kind}`],
    ]),
    kernel: [`frostline.root=${kinds.map((kind) => disks[kind].node).join(',')}`],
  };
}

/**
 * A disk with a distro that boots by itself. Writes go to an unlinked qcow2 overlay that ends with QEMU; it survives
 * reboots and holds snapshots.
 */
export const distroDisk = (image: string): Device => ({
  qemu: [
    ...['-drive', `if=none,id=distro,format=qcow2,snapshot=on,cache=unsafe,file=${escapeComma(image)}`],
    ...['-device', 'virtio-blk-pci,drive=distro,bootindex=0'],
  ],
});

/** The disk with the configuration for cloud-init. */
export const seedDisk = (image: string): Device => ({
  qemu: [
    ...['-drive', `if=none,id=seed,format=raw,readonly=on,file=${escapeComma(image)}`],
    ...['-device', 'virtio-blk-pci,drive=seed'],
  ],
});

/**
 * The serial console goes to a file in append mode, so that the file can be truncated while QEMU writes (`boundLog`).
 * The kernel prints warnings and worse, but not its start-up messages.
 */
export const console = (file: string): Device => ({
  qemu: ['-chardev', `file,id=console,append=on,path=${escapeComma(file)}`, '-serial', 'chardev:console'],
  kernel: ['console=ttyS0,115200', 'loglevel=5'],
});

/** Forwards a loopback port to the guest's SSH. The guest can reach the network only if it has packages to install. */
const user = (hasWayOut: boolean): string =>
  `user,id=net,restrict=${hasWayOut ? 'off' : 'on'},ipv6=off,hostfwd=tcp:127.0.0.1:0-:22`;

// guest_announce=off: clones would announce themselves as migrated machines, but nobody listens for that
const cards = { virtio: 'virtio-net-pci,romfile=,guest_announce=off', e1000: 'e1000,romfile=' } as const;

/**
 * Loopback only; by default the guest cannot reach the network. QEMU picks the free port (0), so there is no race for
 * it. With `both`, two cards are on one hub, and the guest uses the first one it sees.
 */
export function network(card: Hardware['card'], hasWayOut = false): Device {
  const netdev = ['-netdev', user(hasWayOut)];
  if (card !== 'both') return { qemu: [...netdev, '-device', `${cards[card]},netdev=net`] };
  const ports = (['virtio', 'e1000'] as const).flatMap((kind) => [
    ...['-netdev', `hubport,id=${kind},hubid=0`],
    ...['-device', `${cards[kind]},netdev=${kind}`],
  ]);
  return { qemu: [...netdev, '-netdev', 'hubport,id=out,hubid=0,netdev=net', ...ports] };
}

export const monitor = (socket: string): Device => ({
  qemu: ['-qmp', `unix:${escapeComma(socket)},server=on,wait=off`],
});

/** The label by which `clean` and people find the process. */
export const label = (name: string): Device => ({ qemu: ['-name', `frostline-${name}`] });

/** QEMU's option parser wants a comma in a value doubled. */
const escapeComma = (text: string): string => text.replaceAll(',', ',,');

/**
 * Turns devices, in order, into the arguments of QEMU; `cmdline` is appended to the kernel's arguments. Without a
 * kernel, what devices add to its command line is left out.
 */
export function toArguments(devices: readonly Device[], cmdline: string | null = null): string[] {
  const qemu = devices.flatMap((device) => device.qemu ?? []);
  if (!qemu.includes('-kernel')) return qemu;
  const kernel = devices.flatMap((device) => device.kernel ?? []);
  const append = [...kernel, ...(cmdline === null ? [] : [cmdline])].join(' ');
  return [...qemu, '-append', append];
}
