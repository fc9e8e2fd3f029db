import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../base/files.ts';
import { FrostlineError, sentence } from '../../errors.ts';
import type { KernelSource } from '../../matrix/matrix.ts';
import type { FetchOptions } from '../apt/closure.ts';
import { findMirror } from '../apt/mirror.ts';
import { download, isLater, openAptRoot, unpackAll, type AptRoot } from '../apt/root.ts';
import type { Kernel } from './kernel.ts';
import { unpackKernel } from './unpacked.ts';

type DebSource = Extract<KernelSource, { kind: 'deb' }>;

/** One version of a package as `apt-cache show` describes it. */
export interface PackageVersion {
  readonly name: string;
  readonly version: string;
  readonly depends: readonly string[];
}

/** The metapackage of the cloud flavour, which is small and has everything the experiment needs. */
const metaPackage = 'linux-image-cloud-amd64';

/** Parses the deb822 paragraphs of `apt-cache show`. */
export function parseParagraphs(text: string): PackageVersion[] {
  return text
    .split(/\n{2,}/)
    .map((paragraph) => {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1] ?? '';
      const depends = field('Depends')
        .split(',')
        .map((one) => one.trim())
        .filter(Boolean);
      return { name: field('Package'), version: field('Version'), depends };
    })
    .filter(({ name }) => name !== '');
}

/**
 * Fetches a Debian kernel, from the cache if its package was unpacked before. Takes the newest match whose files the
 * mirror really has; a version that is listed but gone is skipped with a warning. If none can be fetched, the lists are
 * refreshed once, and new matches are tried. Rejects ('kernel') when nothing matches or nothing can be fetched.
 */
export async function fetchDebianKernel(source: DebSource, options: FetchOptions = {}): Promise<Kernel> {
  const { signal, onWarning } = options;
  const root = await openAptRoot({ suite: source.suite, mirror: await findMirror(), ...options });
  const tried: string[] = [];
  for (const round of [1, 2]) {
    for (const candidate of await candidates(root, source)) {
      const key = `${candidate.name}=${candidate.version}`;
      if (round === 2 && tried.includes(key)) continue;
      try {
        return await kernelOf(root, candidate, options);
      } catch (error) {
        signal?.throwIfAborted();
        tried.push(key);
        onWarning?.(`${source.text}: ${key} could not be fetched: ${firstLine(error)}`);
      }
      if (tried.length > 3) break;
    }
    if (round === 1) await root.refresh().catch(() => undefined);
  }
  const what = tried.length === 0 ? 'no package matches' : `none could be fetched (${tried.join(', ')})`;
  throw new FrostlineError(`Kernel ${source.text}: ${what}.`, {
    code: 'kernel',
    todo: `The kernels of a suite: \`frostline doctor --kernels ${source.suite}\`.`,
  });
}

const firstLine = (error: unknown): string => sentence(error).split('\n').slice(0, 2).join(' ').slice(0, 300);

/** Matches packages that contain a kernel, not those that only depend on the newest one of a series. */
const isKernel = /^linux-image-\d+\.\d+\.\d+/;

/** Image packages that match a source, newest first. */
async function candidates(root: AptRoot, source: DebSource): Promise<PackageVersion[]> {
  if (source.package === null) {
    const metas = await versions(root, [metaPackage]);
    const newest = metas[0]?.depends.map((d) => /^(linux-image-[0-9]\S*)/.exec(d)?.[1]).find(Boolean);
    return newest === undefined ? [] : versions(root, [newest]);
  }
  const names = (await root.run(['apt-cache', 'pkgnames', 'linux-image-'])).split('\n');
  const glob = globToRegExp(source.package);
  const matching = names.filter(
    (name) => glob.test(name) && isKernel.test(name) && !/-dbg$|-unsigned$/.test(name),
  );
  const found = matching.length === 0 ? [] : await versions(root, matching);
  return source.version === null ? found : found.filter(({ version }) => version === source.version);
}

/** All kernels a suite offers in the cloud flavour, newest first. */
export async function listKernels(suite: string, options: FetchOptions = {}): Promise<PackageVersion[]> {
  const root = await openAptRoot({ suite, mirror: await findMirror(), ...options });
  const text = `deb:${suite}/linux-image-*-cloud-amd64`;
  return candidates(root, { kind: 'deb', text, suite, package: 'linux-image-*-cloud-amd64', version: null });
}

async function versions(root: AptRoot, names: readonly string[]): Promise<PackageVersion[]> {
  const found = parseParagraphs(await root.run(['apt-cache', 'show', '-q', ...names]).catch(() => ''));
  const unique = [...new Map(found.map((p) => [`${p.name}=${p.version}`, p])).values()];
  const sorted: PackageVersion[] = [];
  for (const one of unique) {
    let at = 0;
    while (at < sorted.length && !(await isLater(one.version, sorted[at]!.version))) at++;
    sorted.splice(at, 0, one);
  }
  return sorted;
}

/** `*` and `?` as in a shell; everything else stands for itself. */
export function globToRegExp(glob: string): RegExp {
  const escaped = glob.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

/**
 * The packages that make up a kernel. Up to 6.19 that is the image alone (its linux-base is configuration, and some
 * mirrors no longer have it); from 7.0 on, image, modules and modules.builtin are in three packages of their own.
 */
export function partsOf(image: PackageVersion): string[] {
  const abi = image.name.replace('linux-image-', '');
  const depends = image.depends.map((d) => /^(linux-(binary|modules|base)-(\S+)) \(= (\S+)\)/.exec(d));
  const own = depends.filter((m) => m !== null && m[3] === abi);
  const split = own.some((m) => m![2] === 'binary');
  return [image, ...(split ? own.map((m) => ({ name: m![1]!, version: m![4]! })) : [])].map(
    ({ name, version }) => `${name}=${version}`,
  );
}

function kernelOf(root: AptRoot, image: PackageVersion, { onDownload }: FetchOptions): Promise<Kernel> {
  const parts = partsOf(image);
  return unpackKernel({
    name: `${image.name}_${image.version}_${sha256(...parts).slice(0, 8)}`,
    origin: `${image.name} ${image.version}`,
    onDownload,
    unpack: async (draft) => {
      await mkdir(join(draft, 'debs'));
      await download(root, parts, join(draft, 'debs'));
      await unpackAll(join(draft, 'debs'), join(draft, 'root'));
    },
  });
}
