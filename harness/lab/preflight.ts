import { stat, statfs } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { capture } from '../base/command.ts';
import { cacheDir } from '../base/paths.ts';
import { sentence } from '../errors.ts';
import { findMirror } from './apt/mirror.ts';
import { isKvmOurs, rememberedKvm, tcg } from './qemu/accelerator.ts';
import { findQemu, isTrusted, type QemuBinary } from './qemu/binary.ts';
import { findAccount } from './vagrant/account.ts';

/** The result of one check. `missing`: a run cannot work without it; `note`: worth knowing. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'note' | 'missing';
  readonly found: string;
  /** What to do about it. */
  readonly todo?: string;
}

/** Programs and files a run needs, and the Debian package each is in. */
const needs: readonly (readonly [need: string, package_: string, what: string])[] = [
  ['apt-get', 'apt', 'fetches and verifies kernels'],
  ['dpkg-deb', 'dpkg', 'unpacks packages'],
  ['flock', 'util-linux', 'keeps two downloads apart'],
  ['setpriv', 'util-linux', 'ends machines with their controller'],
  ['bsdtar', 'libarchive-tools', "makes the guest's root, unpacks rpm: and url: kernels"],
  ['depmod', 'kmod', 'indexes kernel modules'],
  ['mke2fs', 'e2fsprogs', 'makes the file system that is frozen'],
  ['xz', 'xz-utils', 'unpacks kernel modules'],
  ['zstd', 'zstd', 'unpacks kernel modules'],
  ['cc', 'gcc', 'builds frostbite, the guest program'],
  ['/usr/include/stdio.h', 'libc6-dev', 'builds frostbite, the guest program'],
  ['/usr/share/keyrings/debian-archive-keyring.gpg', 'debian-archive-keyring', 'verifies packages'],
];

async function checkNeed([need, package_, what]: (typeof needs)[number]): Promise<Check> {
  const there = need.startsWith('/')
    ? (await stat(need).catch(() => null)) && need
    : (await capture(['sh', '-c', 'command -v "$1"', 'sh', need])).stdout.trim();
  if (there) return { name: need, state: 'ok', found: there };
  return { name: need, state: 'missing', found: `not found (${what})`, todo: `apt-get install ${package_}` };
}

/** Which QEMU and accelerator a run would use. Fetches nothing. */
async function checkQemu(): Promise<Check[]> {
  let qemu: QemuBinary;
  try {
    qemu = await findQemu({ offline: true });
  } catch (error) {
    return [
      {
        name: 'qemu',
        state: 'note',
        found: `none yet; the first run fetches one. (${sentence(error).split('\n')[0]})`,
      },
    ];
  }
  const trusted = isTrusted(qemu.version);
  const checks: Check[] = [
    {
      name: 'qemu',
      state: trusted ? 'ok' : 'note',
      found: `${qemu.version}, ${qemu.origin}`,
      ...(trusted ? {} : { todo: 'Older than 8.1: a run fetches a newer one, or runs single-threaded.' }),
    },
  ];
  return [...checks, await checkAccelerator(qemu)];
}

async function checkAccelerator(qemu: QemuBinary): Promise<Check> {
  const kvm = (await isKvmOurs()) ? await rememberedKvm(qemu) : null;
  const day = kvm?.date.slice(0, 10);
  if (kvm?.works)
    return { name: 'accelerator', state: 'ok', found: `kvm (on ${day} ${kvm.kernel} booted under it)` };
  const [why, todo] =
    kvm === null
      ? ['no /dev/kvm that this user may open']
      : kvm === undefined
        ? [
            '/dev/kvm is there, but untried with this kernel and QEMU',
            'A run tries it; so does frostline doctor --probe.',
          ]
        : [
            `/dev/kvm did not work on ${day} with ${kvm.kernel}, QEMU ${kvm.qemu}: ${kvm.why}`,
            'frostline doctor --probe tries it again.',
          ];
  const found = `tcg, thread=${tcg(qemu).threads} (${why})`;
  return { name: 'accelerator', state: 'note', found, ...(todo === undefined ? {} : { todo }) };
}

/** What the driver `vagrant` needs; never `missing`, since the other drivers work without it. */
async function checkVagrant(): Promise<Check> {
  const { code, stdout } = await capture([
    'sh',
    '-c',
    'vagrant --version 2> /dev/null && virsh --version 2> /dev/null',
  ]);
  const [vagrant = '', libvirt = ''] = stdout.trim().split('\n');
  const todo = 'For boxes: scripts/setup-vagrant installs vagrant and libvirt.';
  if (vagrant === '') return { name: 'vagrant', state: 'note', found: 'not found', todo };
  if (code !== 0) return { name: 'vagrant', state: 'note', found: `${vagrant}, no libvirt`, todo };
  const problem = await findAccount().then(
    () => null,
    (error: unknown) => sentence(error).split('\n')[0]!,
  );
  const found = `${vagrant}, libvirt ${libvirt}`;
  return problem === null
    ? { name: 'vagrant', state: 'ok', found }
    : { name: 'vagrant', state: 'note', found: `${found}; ${problem}`, todo };
}

async function checkMirror(): Promise<Check> {
  try {
    return { name: 'debian mirror', state: 'ok', found: (await findMirror()).main };
  } catch (error) {
    return { name: 'debian mirror', state: 'missing', found: sentence(error) };
  }
}

async function checkRoom(): Promise<Check[]> {
  const GiB = 2 ** 30;
  const { bavail, bsize } = await statfs(cacheDir('..')).catch(() => statfs('/'));
  const disk = (bavail * bsize) / GiB;
  const memory = totalmem() / GiB;
  return [
    {
      name: 'memory',
      state: freemem() / GiB < 1.5 ? 'note' : 'ok',
      found: `${memory.toFixed(1)} GiB, ${availableParallelism()} cores`,
    },
    {
      name: 'cache',
      state: disk < 2 ? 'note' : 'ok',
      found: `${cacheDir()}, ${disk.toFixed(1)} GiB free`,
      ...(disk < 2
        ? { todo: 'Make room: a kernel takes about 150 MiB unpacked, QEMU 170 MiB, a userland 250 MiB.' }
        : {}),
    },
  ];
}

/** Checks everything that a run needs on this host. Changes and fetches nothing. */
export async function examineHost(): Promise<Check[]> {
  const [major = 0] = process.versions.node.split('.').map(Number);
  const node: Check = {
    name: 'node',
    state: major >= 20 ? 'ok' : 'missing',
    found: process.version,
    ...(major >= 20 ? {} : { todo: 'Install Node.js 20 or newer.' }),
  };
  const parts = await Promise.all([
    Promise.all(needs.map(checkNeed)),
    checkMirror(),
    checkQemu(),
    checkVagrant(),
    checkRoom(),
  ]);
  return [node, ...parts.flat()];
}
