import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capture, type CommandResult } from '../../base/command.ts';
import { readCgroup } from './cgroups.ts';

const scripts = fileURLToPath(new URL('../../../vagrant/provision/', import.meta.url));
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'frostline-provision-'));
});
afterEach(() => rm(root, { recursive: true }));

const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
};
/** Puts a program that records what it was called with. */
const putProgram = async (name: string): Promise<void> => {
  await put(`bin/${name}`, `#!/bin/sh\necho ${name} "$@" >> ${root}/called\n`);
  await capture(['chmod', '+x', join(root, 'bin', name)]);
};
const get = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
/** Runs a guest script on the folder `root` in place of /, with no programs of this host but these few. */
const run = async (script: string, ...words: string[]): Promise<CommandResult> => {
  await mkdir(join(root, 'bin'), { recursive: true });
  for (const tool of ['sh', 'sed', 'grep', 'cat', 'head', 'chmod', 'mkdir', 'echo'])
    await capture(['ln', '-s', `/bin/${tool}`, join(root, 'bin', tool)]);
  return capture([
    'env',
    '-i',
    `PATH=${root}/bin`,
    `FROSTLINE_ROOT=${root}`,
    '/bin/sh',
    join(scripts, script),
    ...words,
  ]);
};
const words = ['systemd.unified_cgroup_hierarchy=0', 'x=1/2&3'];

describe('set-kernel-arguments.sh', () => {
  it("puts them into GRUB's defaults in the place of those of the same name, and has GRUB make its menu", async () => {
    await putProgram('update-grub');
    await put(
      'etc/default/grub',
      'GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX="quiet systemd.unified_cgroup_hierarchy=1 a=b"\n',
    );
    expect(await run('set-kernel-arguments.sh', ...words)).toMatchObject({ code: 0, stderr: '' });
    expect(await get('etc/default/grub')).toBe(
      'GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX="quiet a=b systemd.unified_cgroup_hierarchy=0 x=1/2&3"\n',
    );
    // a second run changes nothing
    await run('set-kernel-arguments.sh', ...words);
    expect(await get('etc/default/grub')).toMatch(
      /"quiet a=b systemd.unified_cgroup_hierarchy=0 x=1\/2&3"\n$/,
    );
    expect(await get('called')).toBe('update-grub \nupdate-grub \n'.replaceAll(' \n', '\n'));
  });

  it('finds the menu where Red Hat, SUSE and others have it', async () => {
    await putProgram('grub2-mkconfig');
    await put('etc/default/grub', 'GRUB_CMDLINE_LINUX=""');
    await put('boot/grub2/grub.cfg', '');
    expect(await run('set-kernel-arguments.sh', ...words)).toMatchObject({ code: 0 });
    expect(await get('called')).toBe(`grub2-mkconfig -o ${root}/boot/grub2/grub.cfg\n`);
  });

  it('uses grubby where that is', async () => {
    await putProgram('grubby');
    await run('set-kernel-arguments.sh', ...words);
    expect(await get('called')).toBe(
      [
        'grubby --update-kernel=ALL --remove-args=systemd.unified_cgroup_hierarchy',
        'grubby --update-kernel=ALL --remove-args=x',
        `grubby --update-kernel=ALL --args=${words.join(' ')}`,
        '',
      ].join('\n'),
    );
  });

  it('knows systemd-boot and extlinux', async () => {
    await put(
      'boot/extlinux/extlinux.conf',
      'label a\n  APPEND root=/dev/vda1 ro\nlabel b\n  APPEND root=/dev/vda2\n',
    );
    expect(await run('set-kernel-arguments.sh', 'a=1')).toMatchObject({ code: 0 });
    expect(await get('boot/extlinux/extlinux.conf')).toBe(
      'label a\n  APPEND root=/dev/vda1 ro a=1\nlabel b\n  APPEND root=/dev/vda2 a=1\n',
    );
    await putProgram('kernel-install');
    await put('etc/kernel/cmdline', 'root=/dev/vda1 ro');
    await put('boot/loader/entries/a.conf', 'title A\noptions    root=/dev/vda1 ro\n');
    expect(await run('set-kernel-arguments.sh', 'a=1')).toMatchObject({ code: 0 });
    expect(await get('boot/loader/entries/a.conf')).toBe('title A\noptions    root=/dev/vda1 ro a=1\n');
    expect(await get('etc/kernel/cmdline')).toBe('root=/dev/vda1 ro a=1\n');
  });

  it('says so when there is no boot loader that it knows', async () => {
    expect(await run('set-kernel-arguments.sh', 'a=1')).toMatchObject({
      code: 69,
      stderr: 'set-kernel-arguments: no GRUB, systemd-boot or extlinux is there\n',
    });
  });
});

describe('install-tools.sh', () => {
  it('installs what is missing by the package manager that is there', async () => {
    await putProgram('runc');
    await putProgram('dnf');
    expect(await run('install-tools.sh', 'runc', 'crun')).toMatchObject({
      code: 69,
      stderr: "install-tools: crun is not in this distro's packages\n",
    });
    expect(await get('called')).toBe('dnf install -y -q crun\n');
  });

  it('does nothing where all is there already', async () => {
    await putProgram('runc');
    expect(await run('install-tools.sh', 'runc')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});

describe('the set-up of a distro', () => {
  it.each([
    ['v1\n', 'v1'],
    ['v2\n', 'v2'],
    ['hybrid\n', 'hybrid'],
    ['', undefined],
  ])('is read from %j as %s', (said, cgroup) => {
    expect(readCgroup(said)).toBe(cgroup);
  });
});
