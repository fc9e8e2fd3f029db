import { chmod, copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from '../../base/command.ts';
import { makeFolder, sha256, sha256File } from '../../base/files.ts';
import { cacheDir } from '../../base/paths.ts';
import { frostbitePath } from '../../guest/build.ts';
import { unpackClosure, type FetchOptions } from '../apt/closure.ts';
import { writeCpio, type Entry } from './cpio.ts';

/** The suite the guest's tools come from: its glibc runs on kernels from 3.2 on. */
const suite = 'trixie';
const tools = ['busybox-static', 'dropbear-bin'];
const libraries = 'usr/lib/x86_64-linux-gnu';
const loader = 'ld-linux-x86-64.so.2';

/** The start-up file, beside this source or, from a build, in the package's harness folder. */
async function startFile(): Promise<string> {
  const here = dirname(fileURLToPath(import.meta.url));
  const folders = [join(here, 'files'), join(here, '../../../harness/lab/rootfs/files')];
  const candidates = folders.map((folder) => join(folder, 'on-disk'));
  for (const path of candidates) if (await readFile(path).catch(() => null)) return path;
  return candidates[0]!;
}

/** The shared libraries a program of `dir` needs, as the loader of the same tree resolves them. */
async function librariesOf(dir: string, program: string): Promise<string[]> {
  const lib = join(dir, libraries);
  const text = await command([join(lib, loader), '--library-path', lib, '--list', join(dir, program)]);
  return [...text.matchAll(/=> (\/\S+)/g)].map(([, path]) => path!);
}

/** With a journal, without which 3.10's ext4 cannot be frozen, and with nothing that 3.10 cannot mount. */
const ext4 = ['-O', 'none,has_journal,extent,filetype,sparse_super', '-J', 'size=1', '-b', '1024'];

/** Makes the small file system that workloads freeze, in a file. */
export async function makeExt4(image: string): Promise<void> {
  await command(['mke2fs', '-q', '-t', 'ext4', ...ext4, image, '2560']);
}

/**
 * The part of the guest's root that all kernels share: busybox, dropbear, frostbite, a start-up file and
 * a small ext4 image, as an uncompressed cpio archive. Cached by the hash of all that is in it.
 */
export async function buildBase(options: FetchOptions = {}): Promise<string> {
  const request = {
    suite,
    packages: tools,
    into: ['roots', 'tools-'],
    what: 'the tools of the guest',
  } as const;
  const [dir, frostbite] = [await unpackClosure(request, options), await frostbitePath()];
  const start = await startFile();
  const hashes = await Promise.all([frostbite, start].map(sha256File));
  const made = cacheDir('roots', `base-${sha256(basename(dir), ...ext4, ...hashes).slice(0, 16)}`);
  if (await stat(join(made, 'base.cpio')).catch(() => null)) return join(made, 'base.cpio');
  await makeFolder(made, async (draft) => {
    const image = join(draft, 'ext4.img');
    await makeExt4(image);
    await copyFile(frostbite, join(draft, 'frostbite'));
    await chmod(join(draft, 'frostbite'), 0o755);
    await writeCpio(draft, 'base', await baseEntries({ dir, draft, start, image }));
  });
  return join(made, 'base.cpio');
}

interface BaseParts {
  readonly dir: string;
  readonly draft: string;
  readonly start: string;
  readonly image: string;
}

async function baseEntries({ dir, draft, start, image }: BaseParts): Promise<Entry[]> {
  const text = async (name: string, content: string): Promise<string> => {
    await writeFile(join(draft, name), content);
    return join(draft, name);
  };
  const busybox = join(dir, 'usr/bin/busybox');
  const applets = (await command([busybox, '--list-full'])).trim().split('\n');
  const used = await librariesOf(dir, 'usr/sbin/dropbear');
  const folders = [
    ...['bin', 'sbin', 'usr', 'usr/bin', 'usr/sbin', 'usr/share', 'usr/share/frostline', 'lib', 'lib64'],
    ...['lib/x86_64-linux-gnu', 'lib/frostline', 'etc', 'etc/dropbear', 'proc', 'sys', 'dev', 'run', 'mnt'],
    'newroot',
  ];
  const file = (path: string, from: string, mode = 0o644): Entry => ({ type: 'file', path, from, mode });
  return [
    ...folders.map((path): Entry => ({ type: 'dir', path })),
    { type: 'dir', path: 'tmp', mode: 0o1777 },
    { type: 'dir', path: 'root', mode: 0o700 },
    { type: 'dir', path: 'root/.ssh', mode: 0o700 },
    { type: 'char', path: 'dev/console', major: 5, minor: 1 },
    { type: 'char', path: 'dev/null', major: 1, minor: 3 },
    file('bin/busybox', busybox, 0o755),
    ...applets
      .filter((a) => a !== 'bin/busybox')
      // relative: with a userland, the whole tree is copied to another place
      .map((path): Entry => ({
        type: 'link',
        path,
        to: `${'../'.repeat(path.split('/').length - 1)}bin/busybox`,
      })),
    file('usr/sbin/dropbear', join(dir, 'usr/sbin/dropbear'), 0o755),
    file(`lib64/${loader}`, join(dir, libraries, loader), 0o755),
    ...used.map((path) => file(`lib/x86_64-linux-gnu/${basename(path)}`, path, 0o755)),
    file('bin/frostbite', join(draft, 'frostbite'), 0o755),
    file('usr/share/frostline/ext4.img', image),
    { type: 'link', path: 'init', to: 'bin/frostbite' },
    file('etc/on-disk', start),
    file('etc/passwd', await text('passwd', 'root::0:0:root:/root:/bin/sh\n')),
    file('etc/group', await text('group', 'root:x:0:\n')),
    file('etc/shells', await text('shells', '/bin/sh\n')),
    file('etc/hostname', await text('hostname', 'frostline\n')),
  ];
}
