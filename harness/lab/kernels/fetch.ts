import type { KernelSource } from '../../matrix/matrix.ts';
import type { FetchOptions } from '../apt/closure.ts';
import { fetchDebianKernel } from './debian.ts';
import type { Kernel } from './kernel.ts';
import { fetchPackagedKernel } from './packages.ts';
import { readPathKernel } from './path.ts';

/** Fetches a kernel from the source that the matrix names. Rejects ('kernel') when that fails. */
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
