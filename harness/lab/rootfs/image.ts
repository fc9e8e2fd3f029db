import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { createReadStream, createWriteStream } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { command } from '../../base/command.ts';
import { makeFolder, sha256 } from '../../base/files.ts';
import { cacheDir } from '../../base/paths.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { moduleName, planModules } from '../kernels/modules.ts';
import { writeCpio, type Entry } from './cpio.ts';
import type { MachineKeys } from './keys.ts';

/**
 * Modules that frostbite loads for the workloads that need them, by the name it requests, so that a boot does not wait
 * for them. Built-in and missing ones are left out. ext4 requests crc32c from the crypto API, which modules.dep does
 * not list (crc32c.ko before 3.14); from 6.14 on it is a library.
 */
const onDemand: Readonly<Record<string, readonly string[]>> = {
  fuse: ['fuse'],
  loop: ['loop'],
  ext4: ['crc32c', 'crc32c_generic', 'ext4'],
  dm_mod: ['dm_mod'],
  nbd: ['nbd'],
  vhost_net: ['vhost_net'],
  nfsv3: ['nfsv3'],
};
/** Modules for containers, and those that CRIU requires before it dumps anything (criu check). */
const wantedByUserland = [
  ...['crc32c', 'crc32c_generic', 'ext4', 'fuse', 'loop'],
  ...['overlay', 'tun', 'veth', 'nf_tables'],
  ...['unix_diag', 'inet_diag', 'tcp_diag', 'udp_diag', 'netlink_diag', 'af_packet_diag'],
];
/** One device instead of sixteen, and no partitions, so that no open scans for them. */
const parameters: Readonly<Record<string, string>> = { nbd: 'nbds_max=1 max_part=0' };

const decompressors: Readonly<Record<string, readonly string[]>> = {
  xz: ['xz', '-d', '-f'],
  zst: ['zstd', '-d', '-q', '--rm'],
  gz: ['gzip', '-d', '-f'],
};

/**
 * Packs the modules of one kernel into a cpio archive with the order to load them, cached by kernel: `first` (those of
 * the machine's devices), then those that a userland needs, if there is one, and those of workloads, for later.
 */
export async function buildModules(
  kernel: Kernel,
  first: readonly string[],
  hasUserland: boolean,
): Promise<string> {
  const names = [...first, ...(hasUserland ? wantedByUserland : [])];
  const { load } = await planModules(kernel.modules, names);
  const later = await Promise.all(
    Object.entries(onDemand).map(async ([name, modules]) => {
      const { load: all } = await planModules(kernel.modules, modules);
      return { name, load: all.filter((path) => !load.includes(path)) };
    }),
  );
  const paths = [...new Set([load, ...later.map((one) => one.load)].flat())];
  // a module may be rebuilt while the bzImage stays as it is
  const stamps = await Promise.all(paths.map((path) => stampOf(join(kernel.modules!, path))));
  const made = cacheDir(
    'roots',
    `modules-${sha256(kernel.sha256, JSON.stringify([load, later, parameters, stamps])).slice(0, 16)}`,
  );
  const cpio = join(made, 'modules.cpio');
  if (await stat(cpio).catch(() => null)) return cpio;
  await makeFolder(made, async (draft) => {
    const files = new Map<string, string>();
    for (const path of paths) files.set(path, await unpackModule(join(kernel.modules!, path), draft));
    const entries: Entry[] = [...files.values()].map((from) => ({ type: 'file', path: inRoot(from), from }));
    for (const list of [
      { name: 'load', load },
      ...later.map((one) => ({ ...one, name: `${one.name}.load` })),
    ]) {
      const from = join(draft, list.name);
      const lines = list.load.map((path) => {
        const file = files.get(path)!;
        return [basename(file), parameters[moduleName(file)] ?? ''].join(' ').trim();
      });
      await writeFile(from, lines.map((line) => `${line}\n`).join(''));
      entries.push({ type: 'file', path: inRoot(from), from });
    }
    await writeCpio(draft, 'modules', entries);
  });
  return cpio;
}

async function stampOf(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file);
  return `${size} ${mtimeMs}`;
}

const inRoot = (file: string): string => `lib/frostline/${basename(file)}`;

/** Copies a module and unpacks it: old kernels cannot load compressed ones. */
async function unpackModule(path: string, into: string): Promise<string> {
  const copy = join(into, basename(path));
  await copyFile(path, copy);
  const ending = /\.ko\.(\w+)$/.exec(path)?.[1];
  if (ending === undefined) return copy;
  await command([...(decompressors[ending] ?? ['false']), copy]);
  return copy.slice(0, -ending.length - 1);
}

/** The keys of one machine as a cpio archive in its private folder. */
async function writeKeys(dir: string, keys: MachineKeys): Promise<string> {
  const work = join(dir, 'keys');
  await mkdir(work, { mode: 0o700 });
  const host = join(work, 'host_key');
  const authorized = join(work, 'authorized_keys');
  await writeFile(host, keys.hostPrivate, { mode: 0o600 });
  await writeFile(authorized, `${keys.clientPublic}\n`, { mode: 0o600 });
  return writeCpio(work, 'keys', [
    { type: 'file', path: 'etc/dropbear/host_key', from: host, mode: 0o600 },
    { type: 'file', path: 'root/.ssh/authorized_keys', from: authorized, mode: 0o600 },
  ]);
}

/** Joins base, modules and one machine's keys into the initrd it boots, mode 0600, in its folder. */
export async function joinInitrd(
  dir: string,
  parts: { readonly base: string; readonly modules: string },
  keys: MachineKeys,
): Promise<string> {
  const initrd = join(dir, 'initrd');
  const own = await writeKeys(dir, keys);
  let flags = 'w';
  for (const part of [parts.base, parts.modules, own]) {
    await pipeline(createReadStream(part), createWriteStream(initrd, { flags, mode: 0o600 }));
    flags = 'a';
  }
  await rm(join(dir, 'keys'), { recursive: true });
  return initrd;
}
