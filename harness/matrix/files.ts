import { stat } from 'node:fs/promises';
import { parseSized } from './cpus.ts';
import type { Finding } from './finding.ts';
import { pointAt } from './load.ts';
import type { Matrix, Way } from './matrix.ts';
import type { Pointed } from './validate.ts';

/**
 * Finds files that the matrix names but this host lacks, for distros none of whose ways has all its files.
 * `file` is the path of the matrix.
 */
export async function findMissingFiles(matrix: Matrix, file: string): Promise<Finding[]> {
  const missing: Pointed[] = [];
  // the variants of a distro by number of CPUs boot from the same files
  const distros = new Map([...matrix.distros].map(([name, one]) => [parseSized(name).distro, one]));
  for (const [name, { ways }] of distros) {
    const of = await Promise.all(
      ways.map((way, i) => missingOf(way, ['distros', name, ...(ways.length > 1 ? ['ways', i] : [])])),
    );
    if (of.every((problems) => problems.length > 0)) missing.push(...of.flat());
  }
  return missing.length === 0 ? [] : pointAt(matrix.text, file, missing);
}

async function missingOf(way: Way, of: readonly PropertyKey[]): Promise<Pointed[]> {
  if (way.driver === 'ssh' && way.key !== null && !(await isFile(way.key)))
    return [{ path: [...of, 'key'], problem: { code: 'missing-file', what: 'private key', at: way.key } }];
  if (way.driver === 'vagrant' && way.box.endsWith('.box') && !(await isFile(way.box)))
    return [{ path: [...of, 'box'], problem: { code: 'missing-file', what: 'box', at: way.box } }];
  if (way.driver === 'image' && !way.image.isUrl && !(await isFile(way.image.place)))
    return [
      { path: [...of, 'image'], problem: { code: 'missing-file', what: 'image', at: way.image.place } },
    ];
  const missing: Pointed[] = [];
  if (way.driver !== 'qemu' || way.kernel.kind === 'deb') return missing;
  const { kernel } = way;
  const path = [...of, 'kernel'];
  if (kernel.kind !== 'path') {
    for (const { place } of kernel.parts.filter((part) => !part.isUrl))
      if (!(await isFile(place)))
        missing.push({ path, problem: { code: 'missing-file', what: 'kernel package', at: place } });
    return missing;
  }
  const { image, modules } = kernel;
  if (!(await isFile(image)))
    missing.push({ path, problem: { code: 'missing-file', what: 'kernel image', at: image } });
  if (modules !== null && !(await stat(modules).catch(() => null))?.isDirectory())
    missing.push({ path, problem: { code: 'missing-file', what: 'folder of modules', at: modules } });
  return missing;
}

const isFile = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null))?.isFile() ?? false;
