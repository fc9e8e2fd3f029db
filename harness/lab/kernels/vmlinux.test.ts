import { mkdtemp, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256File } from '../../base/files.ts';
import type { Kernel } from './kernel.ts';
import { hasPvhEntry, payloadOf, unpackKernel } from './vmlinux.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  vi.stubEnv('XDG_CACHE_HOME', dir);
});
afterEach(() => void vi.unstubAllEnvs());

/** An ELF file with a header, one program header and one note segment. */
function elf({ name = 'Xen', type = 18, bits = 2 } = {}): Buffer {
  const file = Buffer.alloc(256);
  file.writeUInt32BE(0x7f454c46, 0);
  file[4] = bits;
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(4, 64);
  file.writeBigUInt64LE(128n, 64 + 8);
  file.writeBigUInt64LE(48n, 64 + 32);
  // preceded by another note, whose name is padded
  for (const [at, of, kind] of [
    [128, 'Linux', 257],
    [128 + 12 + 8 + 4, name, type],
  ] as const) {
    file.writeUInt32LE(of.length + 1, at);
    file.writeUInt32LE(4, at + 4);
    file.writeUInt32LE(kind, at + 8);
    file.write(of, at + 12, 'latin1');
  }
  return file;
}

/** A bzImage with two sectors of set-up code, then a payload between other bytes, with its size after it. */
function bzImage(payload: Buffer, protocol = 0x20f): Buffer {
  const image = Buffer.alloc(1024 + 64 + payload.length + 4 + 32);
  image[0x1f1] = 1;
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt16LE(protocol, 0x206);
  image.writeUInt32LE(64, 0x248);
  image.writeUInt32LE(payload.length + 4, 0x24c);
  payload.copy(image, 1024 + 64);
  return image;
}

async function kernelOf(image: Buffer): Promise<Kernel> {
  const path = join(dir, 'bzImage');
  await writeFile(path, image);
  return { release: '6.12', image: path, modules: null, origin: path, sha256: await sha256File(path) };
}

describe('a bzImage', () => {
  it('whose vmlinux has an entry for PVH is unpacked, once', async () => {
    const kernel = await kernelOf(bzImage(gzipSync(elf())));
    const vmlinux = await unpackKernel(kernel);
    expect(await readFile(vmlinux!)).toEqual(elf());
    const before = await stat(vmlinux!);
    expect(await unpackKernel(kernel)).toBe(vmlinux);
    expect((await stat(vmlinux!)).ino).toBe(before.ino);
  });

  it.each([
    ['whose vmlinux has no such entry', bzImage(gzipSync(elf({ type: 6 })))],
    ['packed in a way that nobody knows', bzImage(Buffer.from('what is this'))],
    ['older than protocol 2.08', bzImage(gzipSync(elf()), 0x207)],
    ['cut short', bzImage(gzipSync(elf())).subarray(0, 1100)],
    ['that is none', Buffer.alloc(4096)],
  ])('%s is left as it is', async (_, image) => {
    const kernel = await kernelOf(image);
    expect(await unpackKernel(kernel)).toBeUndefined();
    expect(await unpackKernel(kernel)).toBeUndefined();
  });

  it('is left as it is when it is told so', async () => {
    vi.stubEnv('FROSTLINE_BOOT', 'bzimage');
    expect(await unpackKernel(await kernelOf(bzImage(gzipSync(elf()))))).toBeUndefined();
  });

  it('that nobody has used for two weeks goes when another comes', async () => {
    const old = await unpackKernel(await kernelOf(bzImage(gzipSync(elf()))));
    const then = new Date(Date.now() - 15 * 24 * 3600 * 1000);
    await utimes(join(old!, '..'), then, then);
    const next = await unpackKernel(await kernelOf(bzImage(gzipSync(elf()), 0x20e)));
    expect(await stat(next!)).toBeTruthy();
    await expect(stat(old!)).rejects.toThrow('ENOENT');
  });

  it('has its payload where its header says', () => {
    expect(payloadOf(bzImage(Buffer.from('payload')))).toEqual(Buffer.from('payload'));
  });
});

describe('the note by which QEMU finds the entry', () => {
  it.each([
    [{}, true],
    [{ type: 17 }, false],
    [{ name: 'Xon' }, false],
    [{ bits: 1 }, false],
  ])('of %j: %s', async (of, is) => {
    const path = join(dir, 'vmlinux');
    await writeFile(path, elf(of));
    expect(await hasPvhEntry(path)).toBe(is);
  });
});
