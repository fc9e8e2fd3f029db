import { open, readFile, rm, stat, utimes, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { command } from '../../base/command.ts';
import { makeFolder, removeUnused } from '../../base/files.ts';
import { cacheDir } from '../../base/paths.ts';
import type { Kernel } from './kernel.ts';

/**
 * The vmlinux in a bzImage, unpacked once and cached. QEMU can start it directly, which saves the guest from unpacking
 * it: a fifth to a third of a bare boot under emulation. Undefined when it has no PVH entry point (CONFIG_PVH, Linux
 * 4.20) or cannot be unpacked, and with FROSTLINE_BOOT=bzimage; QEMU then starts the bzImage as firmware would. A
 * vmlinux runs where it was linked: KASLR is part of the kernel's self-unpacking, so there is none.
 */
export async function unpackKernel({ image, sha256 }: Kernel): Promise<string | undefined> {
  if (process.env['FROSTLINE_BOOT'] === 'bzimage') return undefined;
  const made = cacheDir('kernels', `${prefix}${sha256.slice(0, 16)}`);
  const vmlinux = join(made, 'vmlinux');
  const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;
  if (!(await exists(made))) {
    const payload = payloadOf(await readFile(image));
    if (payload === undefined) return undefined;
    // people who build kernels accumulate many of these, of 50 MB each
    const folder = dirname(made);
    await removeUnused(folder, (name) => (name.startsWith(prefix) ? join(folder, name) : undefined));
    const work = makeFolder(made, async (draft) => {
      const [packed, unpacked] = [join(draft, 'packed'), join(draft, 'vmlinux')];
      await writeFile(packed, payload);
      await command(['sh', '-c', 'bsdcat "$1" > "$2"', 'sh', packed, unpacked]);
      await rm(packed);
      // an empty folder records that there is no usable vmlinux
      if (!(await hasPvhEntry(unpacked))) await rm(unpacked);
    });
    await work.catch(() => undefined);
  }
  const now = new Date();
  await utimes(made, now, now).catch(() => undefined);
  return (await exists(vmlinux)) ? vmlinux : undefined;
}

const prefix = 'vmlinux-';

/** The packed vmlinux in a bzImage, without its size at the end (Documentation/arch/x86/boot.rst, protocol 2.08). */
export function payloadOf(bzImage: Buffer): Buffer | undefined {
  if (bzImage.length < 0x250 || bzImage.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined;
  if (bzImage.readUInt16LE(0x206) < 0x208) return undefined;
  const setupSectors = bzImage[0x1f1]! || 4;
  const start = (setupSectors + 1) * 512 + bzImage.readUInt32LE(0x248);
  const end = start + bzImage.readUInt32LE(0x24c) - 4;
  return start < end && end <= bzImage.length ? bzImage.subarray(start, end) : undefined;
}

const ptNote = 4;
/** XEN_ELFNOTE_PHYS32_ENTRY (include/xen/interface/elfnote.h). */
const pvhEntry = 18;
/** Upper bound on an ELF header with its program headers, and on the notes of a kernel. */
const mostBytes = 64 * 1024;

/** Whether an ELF file (x86-64) has the note that tells QEMU its entry point. Rejects when the file cannot be read. */
export async function hasPvhEntry(path: string): Promise<boolean> {
  await using file = await open(path);
  const header = await read(file, 0, mostBytes);
  if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2) return false;
  const first = Number(header.readBigUInt64LE(32));
  const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  for (let i = 0; i < count; i++) {
    const at = first + i * size;
    if (at + 56 > header.length) return false;
    if (header.readUInt32LE(at) !== ptNote) continue;
    const [from, length] = [header.readBigUInt64LE(at + 8), header.readBigUInt64LE(at + 32)].map(Number);
    if (noteTypes(await read(file, from!, Math.min(length!, mostBytes)), 'Xen').includes(pvhEntry))
      return true;
  }
  return false;
}

/** The types of the notes with that name. A note: length of name, length of value, type, name, value (padded to 4). */
function noteTypes(notes: Buffer, name: string): number[] {
  const types: number[] = [];
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameLength, valueLength] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4)];
    if (notes.toString('latin1', at + 12, at + 12 + nameLength) === `${name}\0`)
      types.push(notes.readUInt32LE(at + 8));
    at += 12 + pad(nameLength) + pad(valueLength);
  }
  return types;
}

const pad = (length: number): number => Math.ceil(length / 4) * 4;

async function read(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}
