import { copyFile, mkdir, mkdtemp, readdir, readFile, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256File } from '../../base/files.ts';
import { FrostlineError } from '../../errors.ts';
import { parseKernel } from '../../matrix/source.ts';
import { buildDeb, buildRpm, serve, writeImage, type WebServer } from '../../testing/packages.ts';
import { fetchKernel } from './fetch.ts';
import type { Kernel } from './kernel.ts';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'frostline-test-'));
const el7 = '3.10.0-1160.el7.x86_64';
const fc40 = '6.8.5-301.fc40.x86_64';

/** A tree as in packages, with an image or a module in it. */
async function tree(release: string, has: { image?: string; module?: string }): Promise<string> {
  const dir = await folder();
  const modules = join(dir, 'lib/modules', release);
  await mkdir(modules, { recursive: true });
  if (has.image !== undefined) await writeImage(join(dir, has.image), release);
  if (has.module !== undefined) {
    await mkdir(join(modules, 'kernel'));
    // any relocatable object is good enough for depmod
    await copyFile(object, join(modules, 'kernel', has.module));
  }
  return dir;
}

let object = '';
let rpm = '';
let bare = '';
let core = '';
let more = '';
let deb = '';
let image = '';

beforeAll(async () => {
  const { execFileSync } = await import('node:child_process');
  object = join(await folder(), 'one.ko');
  execFileSync('cc', ['-x', 'c', '-c', '-o', object, '/dev/null']);
  rpm = await buildRpm(
    'kernel',
    await tree(el7, { image: `boot/vmlinuz-${el7}`, module: 'e1000.ko' }),
    'w1.xzdio',
  );
  bare = await buildRpm('kernel-modules', await tree(el7, { module: 'fuse.ko' }));
  core = await buildRpm(
    'kernel-core',
    await tree(fc40, { image: `lib/modules/${fc40}/vmlinuz` }),
    'w1.zstdio',
  );
  more = await buildRpm('kernel-modules-core', await tree(fc40, { module: 'virtio_net.ko' }), 'w1.zstdio');
  deb = await buildDeb(
    'linux-image-unsigned',
    await tree('6.8.0-1-generic', { image: 'boot/vmlinuz-6.8.0-1-generic' }),
  );
  image = join(await folder(), 'bzImage');
  await writeImage(image, '3.10.108');
});

let server: WebServer;
let cache: string;
beforeEach(async () => {
  cache = await folder();
  vi.stubEnv('XDG_CACHE_HOME', cache);
  server = await serve([rpm, deb, image]);
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});

const fetched = (text: string): Promise<Kernel> => fetchKernel(parseKernel(text, '/'));
const web = async (file: string): Promise<string> =>
  `${server.url}/${basename(file)},sha256=${await sha256File(file)}`;

describe('a kernel in packages', () => {
  it('is downloaded once, verified and unpacked; modules that a script would have indexed are', async () => {
    const text = `rpm:${await web(rpm)}`;
    const kernel = await fetched(text);
    expect(kernel).toMatchObject({ release: el7, origin: basename(rpm) });
    expect(kernel.image).toMatch(/boot\/vmlinuz-3\.10\.0-1160\.el7\.x86_64$/);
    expect(await readFile(join(kernel.modules!, 'modules.dep'), 'utf8')).toBe('kernel/e1000.ko:\n');
    expect(await fetched(text)).toEqual(kernel);
    expect(server.asked).toHaveLength(1);
  });

  it('is in several, joined', async () => {
    const kernel = await fetched(`rpm:${core} + ${more},sha256=${await sha256File(more)}`);
    expect(kernel.release).toBe(fc40);
    expect(kernel.image).toBe(join(kernel.modules!, 'vmlinuz'));
    expect(await readFile(join(kernel.modules!, 'modules.dep'), 'utf8')).toBe('kernel/virtio_net.ko:\n');
  });

  it('is in .debs, or is a bzImage', async () => {
    expect(await fetched(`url:${await web(deb)}`)).toMatchObject({ release: '6.8.0-1-generic' });
    expect(await fetched(`url:${await web(image)}`)).toMatchObject({ release: '3.10.108', modules: null });
  });

  const none = '0'.repeat(64);
  it.each([
    ['is another file', () => `rpm:${server.url}/${basename(rpm)},sha256=${none}`, `; ${none} was expected`],
    ['is another local file', () => `rpm:${rpm},sha256=${none}`, `${none} was expected`],
    ['is not there', () => `rpm:${server.url}/no.rpm,sha256=${none}`, 'the server answers 404'],
    ['is not there on this host', () => 'rpm:/no/kernel.rpm', '/no/kernel.rpm cannot be read'],
    [
      'breaks off',
      () => `rpm:${server.url}/cut/${basename(rpm)},sha256=${none}`,
      'could not be downloaded: ',
    ],
    ['is on no server', () => `url:http://127.0.0.1:1/x,sha256=${none}`, 'could not be downloaded: '],
    [
      'has no image',
      () => `rpm:${bare}`,
      `no kernel image in it, neither boot/vmlinuz-${el7} nor lib/modules`,
    ],
    ['is half of two kernels', () => `rpm:${rpm} + ${more}`, 'these are of several kernels: '],
    ['is a .deb for an RPM', () => `rpm:${deb}`, 'is no RPM.'],
    ['is an RPM for a .deb', () => `url:${rpm}`, 'is an RPM.'],
    ['is neither .deb nor bzImage', () => `url:${object}`, 'is neither a .deb nor a bzImage.'],
  ])('that %s is told of, and not kept', async (_, text, said) => {
    const error: unknown = await fetched(text()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FrostlineError);
    expect(error).toMatchObject({ code: 'kernel', message: expect.stringContaining(said) });
    expect(await readdir(join(cache, 'frostline/kernels')).catch(() => [])).toEqual([]);
  });

  it.each([
    ['RPM', () => rpm, 'rpm'],
    ['.deb', () => deb, 'url'],
  ])('that is a cut %s is told of', async (_, file, kind) => {
    const cut = join(await folder(), 'cut');
    for (const share of [0.3, 0.6, 0.98]) {
      await copyFile(file(), cut);
      await truncate(cut, Math.floor((await readFile(file())).length * share));
      await expect(fetched(`${kind}:${cut}`)).rejects.toMatchObject({ code: 'kernel' });
    }
    expect(await readdir(join(cache, 'frostline/kernels'))).toEqual([]);
  });
});
