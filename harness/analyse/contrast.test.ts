import { describe, expect, it } from 'vitest';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { newcombe } from './contrast.ts';
import { wilson } from './interval.ts';
import { summarise } from './summarise.ts';
import { cellName, type RunName } from './summary.ts';

describe('the difference of two rates', () => {
  // Newcombe 1998, table II, method 10; the first row: 56/70 and 48/80
  it.each([
    { of: [56, 70], and: [48, 80], is: [0.2, 0.0524, 0.3339] },
    { of: [9, 10], and: [3, 10], is: [0.6, 0.1705, 0.809] },
    { of: [10, 10], and: [0, 10], is: [1, 0.6075, 1] },
    { of: [5, 56], and: [0, 29], is: [0.0893, -0.0381, 0.1926] },
  ] as const)('of $of and $and is as published', ({ of: [a, m], and: [b, n], is }) => {
    const { rate, low, high } = newcombe(wilson(b, n)!, wilson(a, m)!);
    expect([rate, low, high]).toEqual(is.map((value) => expect.closeTo(value, 4)));
  });
});

describe('contrasts', () => {
  const run: RunName = { id: 'r', name: 'n', started: null, status: 'finished', trials: 4, lab: null };
  const cell = (distro: string): string => `${distro}/v1/runc/mt-exec-once/criu-dump`;
  const dumps = (distro: string, failed: number): TrialRecord[] =>
    [0, 1, 2, 3].map((trial) =>
      sampleRecord({
        ...{ cell: cell(distro), trial },
        machine: { ...sampleRecord().machine, boot: `${distro}${trial % 2}` },
        tool: {
          ...{ name: 'criu-dump', version: 'criu 4.1.1', code: trial < failed ? 1 : 0, us: 5 },
          ok: trial >= failed,
          error: trial < failed ? `(00.00${trial}1) Error (criu/seize.c:1): no pid ${trial}7` : null,
        },
      }),
    );

  it('tell of the freeze and of what the tool did after it', async () => {
    const { cells, differences } = await summarise({
      run,
      cells: ['old', 'new'].map(cell).map(cellName),
      records: [...dumps('old', 3), ...dumps('new', 0)],
      contrasts: [{ axis: 'distro', from: 'old', to: 'new' }],
    });
    expect(cells[0]?.tool).toMatchObject({
      ...{ done: 1, trials: 4, versions: ['criu 4.1.1'] },
      errors: [{ error: 'Error (criu/seize.c:1): no pid N', trials: 3 }],
    });
    expect(differences.map(({ of, by, p, adjusted }) => [of, by.rate, p, adjusted])).toEqual([
      ['frozen', 0, 1, 1],
      ['done', 0.75, expect.closeTo(0.1915, 4), expect.closeTo(0.1915, 4)],
    ]);
  });
});
