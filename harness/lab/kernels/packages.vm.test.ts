import { cp, mkdir, mkdtemp, readdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256File } from '../../base/files.ts';
import { cacheDir } from '../../base/paths.ts';
import { frostline } from '../../testing/cli.ts';
import { buildDeb, buildRpm, serve } from '../../testing/packages.ts';
import { fetchDebianKernel } from './debian.ts';
import type { Kernel } from './kernel.ts';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'frostline-test-'));
const source = {
  kind: 'deb',
  text: 'deb:bullseye',
  suite: 'bullseye',
  package: null,
  version: null,
} as const;

let kernel: Kernel;
beforeAll(async () => {
  kernel = await fetchDebianKernel(source);
});

/** Copies part of the kernel's tree, without the indexes that depmod makes. */
async function treeOf(image: string | null, modules: boolean): Promise<string> {
  const root = await folder();
  const dir = join(root, 'lib/modules', kernel.release);
  await mkdir(join(root, 'boot'), { recursive: true });
  await mkdir(dir, { recursive: true });
  if (image !== null) await cp(kernel.image, join(root, image));
  if (modules) {
    await cp(join(kernel.modules!, 'kernel'), join(dir, 'kernel'), {
      recursive: true,
      preserveTimestamps: true,
    });
    await cp(join(kernel.modules!, 'modules.builtin'), join(dir, 'modules.builtin'));
  }
  return root;
}

/** The cache that all tests share, without the kernels. */
async function cacheWithoutKernels(): Promise<string> {
  const cache = join(await folder(), 'frostline');
  await mkdir(cache);
  for (const entry of await readdir(cacheDir()))
    if (entry !== 'kernels') await symlink(cacheDir(entry), join(cache, entry));
  return join(cache, '..');
}

describe('kernels from a web server', () => {
  it('boot from RPMs and a .deb that are what they should be; the rest is told, and does not stop them', async () => {
    const inModules = join('lib/modules', kernel.release, 'vmlinuz');
    const core = await buildRpm('kernel-core', await treeOf(inModules, false));
    const more = await buildRpm('kernel-modules-core', await treeOf(null, true), 'w1.zstdio');
    const deb = await buildDeb('linux-image', await treeOf(`boot/vmlinuz-${kernel.release}`, true));
    await using server = await serve([core, more, deb]);
    const at = async (file: string): Promise<string> =>
      `${server.url}/${basename(file)},sha256=${await sha256File(file)}`;
    const wrong = `${server.url}/${basename(deb)},sha256=${'0'.repeat(64)}`;
    const dir = await folder();
    await writeFile(
      join(dir, 'm.yaml'),
      `name: packages
trials: 2
machines: 1
distros:
  rpm:
    driver: qemu
    kernel: >-
      rpm:${await at(core)}
      + ${await at(more)}
  deb: { driver: qemu, kernel: "url:${await at(deb)}" }
  wrong: { driver: qemu, kernel: "url:${wrong}" }
  imageless: { driver: qemu, kernel: "rpm:${await at(more)}" }
cgroups: [v1]
workloads: [sleep]
strategies: { single: { preset: single } }
`,
    );
    const ended = await frostline(['run', '--jobs', '2', 'm.yaml'], dir, {
      XDG_CACHE_HOME: await cacheWithoutKernels(),
    });
    expect(ended).toMatchObject({ code: 69 });
    expect(ended.stderr).toMatch(/linux-image\.deb has the SHA-256 \w+; 0{64} was expected/);
    expect(ended.stderr).toContain('no kernel image in it');
    expect(ended.stdout.match(/v1 sleep +2\/2 100%/g)).toHaveLength(2);
    expect(ended.stdout.match(/not measured/g)?.length).toBeGreaterThan(1);
  });
});
