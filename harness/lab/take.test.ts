import { describe, expect, it } from 'vitest';
import type { KernelWay } from '../matrix/matrix.ts';
import type { Lab } from './lab.ts';
import { takeWay } from './take.ts';

const way = (suite: string): KernelWay => ({
  driver: 'qemu',
  kernel: { kind: 'deb', text: `deb:${suite}`, suite, package: null, version: null },
  userland: null,
  cpus: 1,
  memoryMiB: 256,
  cmdline: null,
});

/** A lab that can prepare only one suite. */
const labFor = (suite: string): Lab<KernelWay> => ({
  description: 'test',
  memoryOf: () => 0,
  prepare: async (one) => {
    if (one.kernel.text !== `deb:${suite}`) throw new Error(`no ${one.kernel.text}`);
  },
  boot: () => Promise.reject(new Error('not booted here')),
});

const take = (
  suites: string[],
  has: string,
  signal = new AbortController().signal,
): ReturnType<typeof takeWay> => takeWay(suites.map(way), async () => labFor(has), signal);

describe('a distro with several ways', () => {
  it('takes the first that can be had, and says why not those before it', async () => {
    const taken = await take(['a', 'b', 'c'], 'b');
    expect(taken.way).toEqual(way('b'));
    expect(taken.passedOver).toEqual(['qemu, deb:a: no deb:a']);
  });

  it('says of each why none can be had', async () => {
    await expect(take(['a', 'b'], 'c')).rejects.toThrow(
      'None of its ways is available. qemu, deb:a: no deb:a qemu, deb:b: no deb:b',
    );
    await expect(take(['a'], 'c')).rejects.toThrow(/^no deb:a$/);
  });

  it('tries no other after an abort', async () => {
    await expect(take(['a', 'b'], 'b', AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});
