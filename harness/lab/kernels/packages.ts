import { copyFile, mkdir, open, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { command } from '../../base/command.ts';
import { sha256, sha256File } from '../../base/files.ts';
import { withoutSecrets } from '../../base/url.ts';
import { FrostlineError, sentence } from '../../errors.ts';
import type { KernelPart, KernelSource } from '../../matrix/matrix.ts';
import type { FetchOptions } from '../apt/closure.ts';
import { downloadFile } from './download.ts';
import type { Kernel } from './kernel.ts';
import { readRelease } from './path.ts';
import { unpackKernel } from './unpacked.ts';

type PackageSource = Extract<KernelSource, { kind: 'rpm' | 'url' }>;

/**
 * A kernel from packages that are named one by one: RPMs, .debs or a bzImage, each a file or a URL. They are verified
 * before they are unpacked, and cached by the hash of their contents. Rejects ('kernel') when one cannot be fetched,
 * does not match its SHA-256, or when there is no kernel in them.
 */
export async function fetchPackagedKernel(
  source: PackageSource,
  options: FetchOptions = {},
): Promise<Kernel> {
  const { signal, onDownload } = options;
  const { kind, parts } = source;
  const sums = await Promise.all(
    parts.map(async (part) => (part.isUrl ? part.sha256! : verify(part, await sumOf(part.place)))),
  );
  return unpackKernel({
    name: `${kind}-${sha256(...sums).slice(0, 32)}`,
    origin: parts.map(({ place }) => basename(place)).join(' + '),
    onDownload,
    unpack: async (draft) => {
      const root = join(draft, 'root');
      await mkdir(root);
      for (const [i, part] of parts.entries()) {
        const file = part.isUrl ? join(draft, `part-${i}`) : part.place;
        if (part.isUrl) verify(part, await downloadFile(part.place, file, { signal }));
        await unpackPart({ kind, place: part.place, file, root, scratch: join(draft, 'scratch'), signal });
        if (part.isUrl) await rm(file);
      }
    },
  });
}

const sumOf = (file: string): Promise<string> =>
  sha256File(file).catch((cause: unknown) => {
    throw new FrostlineError(`${file} cannot be read.`, { code: 'kernel', cause });
  });

/** Returns the file's SHA-256; throws when another one was expected. */
function verify({ place, sha256: expected }: KernelPart, is: string): string {
  if (expected === null || expected === is) return is;
  throw new FrostlineError(`${withoutSecrets(place)} has the SHA-256 ${is}; ${expected} was expected.`, {
    code: 'kernel',
    todo: 'It is another file, or incomplete. Compare with what its publisher says, then correct sha256= or the place.',
  });
}

interface Part {
  readonly kind: PackageSource['kind'];
  readonly place: string;
  readonly file: string;
  readonly root: string;
  readonly scratch: string;
  readonly signal: AbortSignal | undefined;
}

/** The type of a file, by its first bytes (rpm's lib/rpmlead.c, ar(5)). */
async function typeOf(file: string): Promise<'rpm' | 'deb' | 'other'> {
  await using handle = await open(file, 'r');
  const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  if (buffer.readUInt32BE(0) === 0xedabeedb) return 'rpm';
  return buffer.toString('latin1') === '!<arch>\n' ? 'deb' : 'other';
}

async function unpackPart(part: Part): Promise<void> {
  const type = await typeOf(part.file);
  if ((type === 'rpm') !== (part.kind === 'rpm')) {
    const [is, todo] =
      type === 'rpm'
        ? ['an RPM', 'Write rpm: in place of url:.']
        : ['no RPM', 'Write url: for .debs and a bzImage.'];
    throw new FrostlineError(`${withoutSecrets(part.place)} is ${is}.`, { code: 'kernel', todo });
  }
  if (type === 'other') return placeImage(part);
  if (type === 'rpm') return extract(part, part.file, part.root);
  // a .deb is an ar archive with a tar archive in it (deb(5)); on older hosts dpkg-deb does not know zstd
  await mkdir(part.scratch);
  await extract(part, part.file, part.scratch, 'data.tar*');
  const [data] = await readdir(part.scratch);
  await extract(part, join(part.scratch, data!), part.root);
  await rm(part.scratch, { recursive: true });
}

async function extract(
  { place, signal }: Part,
  file: string,
  into: string,
  ...only: string[]
): Promise<void> {
  const argv = ['bsdtar', '-x', '--no-same-owner', '--no-same-permissions', '-f', file, '-C', into, ...only];
  await command(argv, signal ? { signal } : {}).catch((cause: unknown) => {
    signal?.throwIfAborted();
    const why = sentence(cause).split('\n').slice(1).join('\n');
    throw new FrostlineError(`${withoutSecrets(place)} cannot be unpacked:\n${why}`, {
      code: 'kernel',
      todo: 'Is it whole? With ,sha256=HEX that is checked first.',
      cause,
    });
  });
}

/** Copies a bzImage to where a package would have it. */
async function placeImage({ place, file, root }: Part): Promise<void> {
  const release = await readRelease(file).catch((cause: unknown) => {
    throw new FrostlineError(`${withoutSecrets(place)} is neither a .deb nor a bzImage.`, {
      code: 'kernel',
      cause,
    });
  });
  await mkdir(join(root, 'boot'), { recursive: true });
  await copyFile(file, join(root, 'boot', `vmlinuz-${release.replaceAll('/', '_')}`));
}
