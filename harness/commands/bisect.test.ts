import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Judgement } from '../analyse/expect.ts';
import { summarise } from '../analyse/summarise.ts';
import { cellName } from '../analyse/summary.ts';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { matrixOf } from '../testing/machines.ts';
import { bisectCode, verdictCode } from './bisect.ts';
import { kernelOption, withKernel } from './kernel.ts';

describe('a verdict for git bisect', () => {
  /** The code for cells with these outcomes, with these verdicts on the first cell. */
  const of = async (
    verdicts: readonly Judgement['verdict'][],
    outcomes: readonly TrialRecord['outcome'][] = ['frozen'],
  ): Promise<number> => {
    const ids = outcomes.map((_, i) => `d${i}/v1/none/sleep/single`);
    const summary = await summarise({
      run: { id: 'r', name: 'n', started: null, status: 'finished', trials: 1, lab: null },
      cells: ids.map(cellName),
      records: outcomes.map((outcome, i) => sampleRecord({ cell: ids[i]!, trial: 0, outcome })),
    });
    const [cell] = summary.cells;
    const expected = { where: {}, of: 'rate', op: '==', value: 1, text: '== 1' } as const;
    const found = { value: 1, low: 0.5, high: 1, of: null };
    const judgements = verdicts.map((verdict) => ({ cell: cell!, expected, found, verdict }));
    return verdictCode({ summary, judgements });
  };

  it.each([
    ['good: all is met', of(['met', 'met']), 0],
    ['bad: one is missed', of(['met', 'missed']), 1],
    ['bad, though another could not be measured', of(['missed'], ['frozen', 'lab-error']), 1],
    ['neither: a rate is too near', of(['met', 'undecided']), 125],
    ['neither: a cell was not measured', of(['met'], ['frozen', 'lab-error']), 125],
    ['neither: the kernel lacks something', of(['met'], ['frozen', 'unsupported']), 125],
    ['neither: the kernel crashed, perhaps for another reason', of(['met'], ['frozen', 'kernel-crash']), 125],
    ['neither: nothing is expected of what was measured', of([]), 125],
  ])('%s', async (_, code, expected) => {
    expect(await code).toBe(expected);
  });

  it('is no verdict where frostline failed, and ends what would fail again', () => {
    expect([0, 1, 2, 69, 70, 74, 130, 143].map(bisectCode)).toEqual([0, 1, 128, 125, 125, 125, 130, 143]);
  });
});

describe('--kernel', () => {
  const sum = 'ab'.repeat(32);
  it.each([
    ['bzImage', `path:${resolve('bzImage')}`],
    ['path:a/bzImage,modules=b', `path:${resolve('a/bzImage')},modules=${resolve('b')}`],
    ['deb:bullseye/linux-image-5.10.*-amd64', 'deb:bullseye/linux-image-5.10.*-amd64'],
    [
      `rpm:k.rpm + https://a.example/m.rpm,sha256=${sum}`,
      `rpm:${resolve('k.rpm')} + https://a.example/m.rpm,sha256=${sum}`,
    ],
  ])('%s', (word, text) => {
    expect(kernelOption(word)).toBe(text);
    expect(kernelOption(text)).toBe(text);
  });

  it.each([
    ['deb:', '--kernel: Expected BZIMAGE, deb:SUITE'],
    ['deb:trixi', 'Did you mean "trixie"?'],
    ['url:https://a.example/bzImage', 'so that it can be verified'],
    ['a,b', 'got "a,b"'],
  ])('%s is a usage error', (word, said) => {
    expect(() => kernelOption(word)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => kernelOption(word)).toThrow(said);
  });

  it('takes the place of every kernel, and of nothing else', () => {
    const matrix = matrixOf(`name: two
distros:
  a: { driver: qemu, kernel: "deb:bullseye", cpus: 1 }
  b: { ways: [{ driver: qemu, kernel: "deb:trixie", userland: "deb:trixie" }] }
cgroups: [v1]
workloads: [sleep]
strategies: { single: { preset: single } }
`);
    const [a, b] = [...withKernel(matrix, 'deb:bookworm').distros.values()];
    expect(a!.ways).toMatchObject([{ kernel: { suite: 'bookworm' }, cpus: 1, userland: null }]);
    expect(b!.ways).toMatchObject([{ kernel: { suite: 'bookworm' }, userland: { suite: 'trixie' } }]);
  });
});
