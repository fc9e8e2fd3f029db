import { lstat, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../base/command.ts';
import type { UserlandSource } from '../../matrix/matrix.ts';
import { unpackClosure, type FetchOptions } from '../apt/closure.ts';

/** The tools that a userland is for, and a shell with its tools. A suite that lacks one of `tools` goes without it. */
const tools = ['runc', 'crun', 'criu', 'podman'];
const lacking: Readonly<Record<string, readonly string[]>> = { bullseye: ['criu'] };
const shell = ['dash', 'coreutils', 'grep', 'gzip', 'tar'];

/** Raise when this file makes something else of the same packages. */
const recipe = '3';

/** Folders that no program of the guest reads. */
const unread = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/info', 'usr/share/lintian'];

/** ext4 features that kernels from 3.10 on mount, whatever the mke2fs; no journal, since a crash ends the machine. */
const features = 'none,ext_attr,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file';

/**
 * A disk image whose ext4 holds the container tools of a Debian suite with all they depend on, for use as a guest's
 * root under any kernel. Cached by the list of its packages. Building it needs no root: files belong to the user who
 * made it, which does not matter to root in the guest.
 */
export async function buildUserland(source: UserlandSource, options: FetchOptions = {}): Promise<string> {
  const { suite } = source;
  const request = {
    suite,
    packages: [...tools.filter((tool) => !lacking[suite]?.includes(tool)), ...shell],
    into: ['roots', `userland-${suite}-${recipe}-`],
    what: `the userland ${source.text}`,
    finish: makeImage,
  } as const;
  return join(await unpackClosure(request, options), name);
}

const name = 'root.img';

/** Turns a folder with an unpacked tree into a folder with the image of it. */
async function makeImage(dir: string): Promise<void> {
  const root = join(dir, 'root');
  const parts = await readdir(dir);
  await mkdir(root);
  for (const part of parts) await rename(join(dir, part), join(root, part));
  await complete(root);
  const [size] = (await command(['du', '-sm', root])).split('\t');
  const image = join(dir, name);
  // room for containers and checkpoint images
  await command(['truncate', '-s', `${Number(size) + 512}M`, image]);
  await command(['mke2fs', '-q', '-F', '-t', 'ext4', '-b', '4096', '-O', features, '-d', root, image]);
  await rm(root, { recursive: true });
}

/** Does what the packages' own scripts would have done to an unpacked tree, as far as the tools need it. */
async function complete(root: string): Promise<void> {
  for (const path of unread) await rm(join(root, path), { recursive: true, force: true });
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', folder), { recursive: true });
    // base-files would; suites differ in how much of /usr is merged
    if (!(await lstat(join(root, folder)).catch(() => null)))
      await symlink(`usr/${folder}`, join(root, folder));
  }
  for (const folder of [
    'dev',
    'etc',
    'frostline',
    'proc',
    'root',
    'run',
    'sys',
    'tmp',
    'usr/share',
    'var/tmp',
  ])
    await mkdir(join(root, folder), { recursive: true });
  if (!(await lstat(join(root, 'bin/sh')).catch(() => null))) await symlink('dash', join(root, 'bin/sh'));
  const files = {
    'etc/passwd': 'root::0:0:root:/root:/bin/sh\n',
    'etc/group': 'root:x:0:\n',
    'etc/shells': '/bin/sh\n',
    'etc/hostname': 'frostline\n',
  };
  for (const [file, text] of Object.entries(files)) await writeFile(join(root, file), text);
}
