import type * as Files from 'node:fs/promises';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { forgetKvm, rememberedKvm, worksKvm, type KvmTrial } from './accelerator.ts';

// pretends that this host has a usable /dev/kvm
vi.mock('node:fs/promises', async (original) => {
  const files = await original<typeof Files>();
  return {
    ...files,
    access: (path: string) => (path === '/dev/kvm' ? Promise.resolve() : files.access(path)),
  };
});

const qemu = { version: '10.0.2' };
let warnings: string[] = [];

beforeEach(async () => {
  vi.stubEnv('XDG_CACHE_HOME', await mkdtemp(join(tmpdir(), 'frostline-test-')));
  warnings = [];
});
afterEach(() => void vi.unstubAllEnvs());

const trial = (change: Partial<KvmTrial> = {}): KvmTrial => ({
  boot: () => Promise.resolve(),
  ...{ kernel: 'linux-image 6.12', ms: 60_000, signal: new AbortController().signal },
  onWarning: (text) => void warnings.push(text),
  ...change,
});
/** A boot that runs until it is aborted. */
const endless: KvmTrial['boot'] = (_, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
const never = (): Promise<void> => Promise.reject(new Error('it is asked again'));

describe('what is found about KVM', () => {
  it.each([
    [true, null, () => Promise.resolve()],
    [
      false,
      'QEMU ended with SIGABRT',
      () => Promise.reject(new Error('kvm-probe did not boot: QEMU ended with SIGABRT\n  more')),
    ],
  ])('is remembered once a kernel has booted or not: %s', async (works, why, boot) => {
    expect(await worksKvm(qemu, trial({ boot }))).toBe(works);
    expect(await rememberedKvm(qemu)).toMatchObject({
      ...{ works, why, kernel: 'linux-image 6.12', qemu: '10.0.2' },
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(await worksKvm(qemu, trial({ boot: never }))).toBe(works);
    expect(await rememberedKvm({ version: '11.0.0' })).toBeUndefined();
    await forgetKvm();
    expect(await rememberedKvm(qemu)).toBeUndefined();
  });

  it('by a trial that is interrupted is nothing', async () => {
    const stop = new AbortController();
    const boot: KvmTrial['boot'] = (...of) => {
      const booting = endless(...of);
      stop.abort(new Error('Ctrl-C'));
      return booting;
    };
    await expect(worksKvm(qemu, trial({ boot, signal: stop.signal }))).rejects.toThrow('Ctrl-C');
    expect(await rememberedKvm(qemu)).toBeUndefined();
  });

  it('by a trial that takes too long is a no for this time alone, and is said', async () => {
    expect(await worksKvm(qemu, trial({ boot: endless, ms: 20 }))).toBe(false);
    expect(warnings).toEqual([expect.stringContaining('the next one tries KVM again')]);
    expect(await rememberedKvm(qemu)).toBeUndefined();
    expect(await worksKvm(qemu, trial())).toBe(true);
  });
});
