import { open, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder, sha256File } from '../../../base/files.ts';
import { cacheDir } from '../../../base/paths.ts';
import { withoutSecrets } from '../../../base/url.ts';
import { FrostlineError } from '../../../errors.ts';
import type { ImageSource } from '../../../matrix/matrix.ts';
import type { FetchOptions } from '../../apt/closure.ts';
import { downloadFile } from '../../kernels/download.ts';

/** The largest cloud images are some 2 GiB. */
const maxBytes = 16 * 2 ** 30;

/**
 * The path of a qcow2 disk image. One from a URL is verified and cached by its SHA-256; a local file is used where it
 * is. Rejects ('kernel') when it cannot be fetched, does not match its SHA-256, or is no self-contained qcow2.
 */
export async function fetchImage(source: ImageSource, options: FetchOptions = {}): Promise<string> {
  const { place, isUrl, sha256 } = source;
  if (!isUrl) {
    if (sha256 !== null) verify(place, sha256, await sumOf(place));
    await checkQcow2(place, place);
    return place;
  }
  const folder = cacheDir('images', sha256!.slice(0, 32));
  const file = join(folder, 'image.qcow2');
  if (await stat(file).catch(() => null)) return file;
  options.onDownload?.(`image ${basename(place)}`);
  await makeFolder(folder, async (draft) => {
    const part = join(draft, 'part');
    verify(place, sha256!, await downloadFile(place, part, { signal: options.signal, maxBytes }));
    await checkQcow2(part, place);
    await rename(part, join(draft, 'image.qcow2'));
  });
  return file;
}

const sumOf = (file: string): Promise<string> =>
  sha256File(file).catch((cause: unknown) => {
    throw new FrostlineError(`${file} cannot be read.`, { code: 'kernel', cause });
  });

function verify(place: string, expected: string, is: string): void {
  if (is === expected) return;
  throw new FrostlineError(`${withoutSecrets(place)} has the SHA-256 ${is}; ${expected} was expected.`, {
    code: 'kernel',
    todo: 'It is another file, or incomplete. Compare with what its publisher says, then correct sha256= or the place.',
  });
}

/** In the qcow2 header (QEMU's docs/interop/qcow2.txt): the magic number, and the flag for data in another file. */
const magic = 0x514649fb;
const externalDataFile = 1n << 2n;

/** Requires a self-contained image: one that names another file could expose any file of this host to a guest. */
async function checkQcow2(file: string, place: string): Promise<void> {
  const wrong = (what: string, todo: string): FrostlineError =>
    new FrostlineError(`${withoutSecrets(place)} ${what}.`, { code: 'kernel', todo });
  const header = Buffer.alloc(80);
  await using handle = await open(file, 'r').catch((cause: unknown) => {
    throw new FrostlineError(`${place} cannot be read.`, { code: 'kernel', cause });
  });
  await handle.read(header, 0, header.length, 0);
  if (header.readUInt32BE(0) !== magic)
    throw wrong('is no qcow2 image', 'Convert it: qemu-img convert -O qcow2 FILE NEW.qcow2.');
  const version = header.readUInt32BE(4);
  const backing = header.readBigUInt64BE(8);
  const features = version >= 3 ? header.readBigUInt64BE(72) : 0n;
  if (backing !== 0n || (features & externalDataFile) !== 0n)
    throw wrong(
      'has part of its data in another file',
      'Make one file of it: qemu-img convert -O qcow2 FILE NEW.qcow2.',
    );
}
