import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256File } from '../../base/files.ts';
import { FrostlineError } from '../../errors.ts';
import type { KernelSource } from '../../matrix/matrix.ts';
import type { Kernel } from './kernel.ts';

/**
 * A kernel of the user's own: a bzImage, and optionally a folder of its modules (the one with modules.dep, or a
 * `make modules_install` root above `lib/modules/RELEASE`). Rejects ('kernel') when the image is no bzImage.
 */
export async function readPathKernel(source: Extract<KernelSource, { kind: 'path' }>): Promise<Kernel> {
  const release = await readRelease(source.image);
  return {
    release,
    image: source.image,
    modules: source.modules === null ? null : await findModules(source.modules, release),
    origin: source.image,
    sha256: await sha256File(source.image),
  };
}

/** The `uname -r` in a bzImage's header (Documentation/arch/x86/boot.rst: HdrS at 0x202, kernel_version at 0x20e). */
export async function readRelease(image: string): Promise<string> {
  const file = await open(image, 'r').catch((cause: unknown) => {
    throw new FrostlineError(`Kernel image ${image} cannot be read.`, { code: 'kernel', cause });
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(0x210), 0, 0x210, 0);
    if (bytesRead < 0x210 || buffer.toString('latin1', 0x202, 0x206) !== 'HdrS') {
      throw new FrostlineError(`${image} is not a Linux bzImage: no HdrS at offset 0x202.`, {
        code: 'kernel',
        todo: 'Give the arch/x86/boot/bzImage of your build (not vmlinux).',
      });
    }
    const text = Buffer.alloc(256);
    await file.read(text, 0, 256, buffer.readUInt16LE(0x20e) + 0x200);
    const release = text.toString('latin1').split('\0')[0]!.split(' ')[0]!;
    return release || 'unknown';
  } finally {
    await file.close();
  }
}

async function findModules(folder: string, release: string): Promise<string> {
  for (const dir of [folder, join(folder, 'lib/modules', release), join(folder, release)]) {
    if (await stat(join(dir, 'modules.dep')).catch(() => null)) return dir;
  }
  throw new FrostlineError(`No modules.dep in ${folder} or in its lib/modules/${release}.`, {
    code: 'kernel',
    todo: `Run \`make modules_install INSTALL_MOD_PATH=...\` and give that folder (depmod included).`,
  });
}
