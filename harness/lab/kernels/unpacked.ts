import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { command } from '../../base/command.ts';
import { makeFolder, sha256File } from '../../base/files.ts';
import { cacheDir } from '../../base/paths.ts';
import { FrostlineError } from '../../errors.ts';
import type { Kernel } from './kernel.ts';
import { readRelease } from './path.ts';

/** How to get a kernel out of packages. */
export interface Unpacking {
  /** The name of the cache folder; it identifies the packages. */
  readonly name: string;
  /** Human-readable name of the kernel. */
  readonly origin: string;
  /** Unpacks the trees of all packages into `root` in the given folder. */
  readonly unpack: (draft: string) => Promise<void>;
  /** Called when the kernel is not in the cache. */
  readonly onDownload?: ((what: string) => void) | undefined;
}

const cachedSchema = z.object({
  release: z.string(),
  sha256: z.string(),
  image: z.string(),
  modules: z.string().nullable(),
});
type Cached = z.infer<typeof cachedSchema>;

/** A kernel from the cache, or else unpacked into it atomically. Rejects ('kernel') when the packages have none. */
export async function unpackKernel({ name, origin, unpack, onDownload }: Unpacking): Promise<Kernel> {
  const dir = cacheDir('kernels', name);
  const cached = await readCached(dir, origin);
  if (cached) return cached;
  onDownload?.(origin);
  await rm(dir, { recursive: true, force: true });
  await makeFolder(dir, async (draft) => {
    await unpack(draft);
    await writeFile(join(draft, 'kernel.json'), JSON.stringify(await describe(draft, origin)));
  });
  const made = await readCached(dir, origin);
  if (!made) throw new FrostlineError(`${dir} does not hold the kernel just unpacked.`, { code: 'kernel' });
  return made;
}

/** Finds the image and the modules, under lib/ or usr/lib/, and runs depmod, which an RPM leaves to its scripts. */
async function describe(draft: string, origin: string): Promise<Cached> {
  const { modules, release } = await findModules(join(draft, 'root'), origin);
  if (release !== null && modules !== null)
    await command(['depmod', '-b', join(draft, 'root', modules, '../../..'), release]);
  const image = await findImage(join(draft, 'root'), origin, { modules, release });
  const path = join('root', image);
  return {
    release: release ?? (await readRelease(join(draft, path))),
    modules: modules && join('root', modules),
    image: path,
    sha256: await sha256File(join(draft, path)),
  };
}

interface Modules {
  readonly modules: string | null;
  readonly release: string | null;
}

/** The single modules folder; a kernel without one has everything it needs built in. */
async function findModules(root: string, origin: string): Promise<Modules> {
  for (const lib of ['usr/lib/modules', 'lib/modules']) {
    const [release, other] = await readdir(join(root, lib)).catch(() => []);
    if (release === undefined) continue;
    if (other === undefined) return { modules: join(lib, release), release };
    throw new FrostlineError(`${origin}: these are of several kernels: ${release}, ${other}.`, {
      code: 'kernel',
      todo: 'Name packages of one version.',
    });
  }
  return { modules: null, release: null };
}

async function findImage(root: string, origin: string, { modules, release }: Modules): Promise<string> {
  const inBoot = (await readdir(join(root, 'boot')).catch(() => [])).filter((file) =>
    release === null ? file.startsWith('vmlinuz') : file === `vmlinuz-${release}`,
  );
  const places = [
    ...inBoot.map((file) => join('boot', file)),
    ...(modules === null ? [] : [join(modules, 'vmlinuz')]),
  ];
  for (const place of places) if ((await stat(join(root, place)).catch(() => null))?.isFile()) return place;
  throw new FrostlineError(
    `${origin}: no kernel image in it, neither boot/vmlinuz-${release ?? '*'} nor lib/modules/${release ?? '*'}/vmlinuz.`,
    {
      code: 'kernel',
      todo: 'Name all packages of the kernel, joined by " + ": the image is in kernel-core (Fedora, RHEL 8 on) or linux-image-unsigned (Ubuntu).',
    },
  );
}

/** A kernel unpacked before; undefined when there is none, or when the checksum of its image has changed. */
async function readCached(dir: string, origin: string): Promise<Kernel | undefined> {
  try {
    const is = cachedSchema.parse(JSON.parse(await readFile(join(dir, 'kernel.json'), 'utf8')));
    const image = join(dir, is.image);
    if ((await sha256File(image)) !== is.sha256) return undefined;
    const modules = is.modules && join(dir, is.modules);
    return { release: is.release, image, modules, origin, sha256: is.sha256 };
  } catch {
    return undefined;
  }
}
