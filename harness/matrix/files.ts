import { stat } from 'node:fs/promises';
import type { Finding } from './finding.ts';
import { pointAt } from './load.ts';
import type { Matrix } from './matrix.ts';
import type { Pointed } from './validate.ts';

/** Kernels and modules that `path:` names and that are not on this host. `file` is that of the matrix. */
export async function findMissingFiles(matrix: Matrix, file: string): Promise<Finding[]> {
  const missing: Pointed[] = [];
  for (const [name, { kernel }] of matrix.distros) {
    if (kernel.kind !== 'path') continue;
    const path = ['distros', name, 'kernel'];
    const { image, modules } = kernel;
    if (!(await stat(image).catch(() => null))?.isFile())
      missing.push({ path, problem: { code: 'missing-file', what: 'kernel image', at: image } });
    if (modules !== null && !(await stat(modules).catch(() => null))?.isDirectory())
      missing.push({ path, problem: { code: 'missing-file', what: 'folder of modules', at: modules } });
  }
  return missing.length === 0 ? [] : pointAt(matrix.text, file, missing);
}
