import type { KernelSource } from '../../matrix/matrix.ts';
import type { FetchOptions } from '../apt/closure.ts';
import { fetchDebianKernel } from './debian.ts';
import type { Kernel } from './kernel.ts';
import { fetchPackagedKernel } from './packages.ts';
import { readPathKernel } from './path.ts';

/** Gets a kernel from wherever the matrix says. Rejects ('kernel') when it cannot be had. */
export async function fetchKernel(source: KernelSource, options: FetchOptions = {}): Promise<Kernel> {
  switch (source.kind) {
    case 'deb':
      return fetchDebianKernel(source, options);
    case 'path':
      return readPathKernel(source);
    case 'rpm':
    case 'url':
      return fetchPackagedKernel(source, options);
  }
}
