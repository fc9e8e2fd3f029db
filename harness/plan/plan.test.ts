import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadMatrix } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { workloadNames } from '../matrix/workloads.ts';
import { combinations, isApplicable, matches, planCells } from './cells.ts';
import { orderForMachine } from './order.ts';
import { trialSeed } from './seeds.ts';
import { parseSelect } from './select.ts';
import { isInShard, parseShard } from './shard.ts';

function load(exclude = ''): Matrix {
  const loaded = loadMatrix(
    `name: m
distros:
  a: { driver: qemu, kernel: "deb:trixie" }
  b: { driver: qemu, kernel: "deb:bookworm" }
cgroups: [v1, v2]
workloads: [fuse-unanswered, sleep, spin]
strategies:
  single: { preset: single }
  rewrite: { preset: rewrite }
  v2: { preset: v2 }
${exclude}`,
    'm.yaml',
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  return loaded.matrix;
}

const matrix = load();
const all = [...planCells(matrix)];

describe('cells', () => {
  it('have stable ids, each once', () => {
    expect(all[0]?.id).toBe('a/v1/none/fuse-unanswered/single');
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it('leave out strategies that do not exist for their cgroup version', () => {
    const pairs = new Set(all.map(({ cgroup, strategy }) => `${cgroup} ${strategy}`));
    expect([...pairs].sort()).toEqual(['v1 rewrite', 'v1 single', 'v2 single', 'v2 v2']);
  });

  it('are those that no exclude matches, and no fewer', () => {
    const axis = <T>(names: readonly T[]): fc.Arbitrary<T[] | undefined> =>
      fc.option(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }), { nil: undefined });
    const selector = fc.record(
      {
        distro: axis(['a', 'b']),
        cgroup: axis(['v1', 'v2'] as const),
        workload: axis(['fuse-unanswered', 'sleep', 'spin'] as const),
        strategy: axis(['single', 'rewrite', 'v2']),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(selector, { maxLength: 4 }), (raw) => {
        const exclude = raw.map((one) =>
          Object.fromEntries(Object.entries(one).filter(([, names]) => names !== undefined)),
        );
        const planned = new Set([...planCells({ ...matrix, exclude })].map(({ id }) => id));
        for (const cell of combinations(matrix)) {
          const wanted = isApplicable(matrix, cell) && !exclude.some((one) => matches(cell, one));
          expect(planned.has(cell.id)).toBe(wanted);
        }
      }),
    );
  });
});

describe('--select', () => {
  it('joins names of one axis and intersects axes', () => {
    const select = parseSelect(['distro=a,workload=sleep+spin', 'strategy=single'], matrix);
    expect([...planCells(matrix, select)].map(({ id }) => id)).toEqual([
      'a/v1/none/sleep/single',
      'a/v1/none/spin/single',
      'a/v2/none/sleep/single',
      'a/v2/none/spin/single',
    ]);
  });

  it.each([
    ['distro', '--select "distro" is no axis=name'],
    ['kernel=a', 'unknown axis "kernel"'],
    ['distor=a', 'Did you mean "distro"?'],
    ['workload=slep', 'Did you mean "sleep"?'],
    ['workload=', 'no workload ""'],
  ])('refuses %s', (word, message) => {
    expect(() => parseSelect([word], matrix)).toThrow(message);
  });
});

describe('shards', () => {
  it('cover every cell once, whatever their number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (count) => {
        const parts = Array.from({ length: count }, (_, i) =>
          all.filter((cell) => isInShard(cell, { index: i + 1, count })),
        );
        expect(
          parts
            .flat()
            .map(({ id }) => id)
            .sort(),
        ).toEqual(all.map(({ id }) => id).sort());
      }),
    );
  });

  it.each(['0/4', '5/4', '1', 'a/b', '1/0', '-1/2', '1/99999'])('refuse %s', (text) => {
    expect(() => parseShard(text)).toThrow('is no part of a whole');
  });
});

describe('seeds', () => {
  it('follow from matrix seed, cell and trial, and differ between neighbours', () => {
    const seeds = all.flatMap(({ id }) => Array.from({ length: 100 }, (_, trial) => trialSeed(1, id, trial)));
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(trialSeed(1, 'a/v1/none/sleep/single', 0)).toBe(trialSeed(1, 'a/v1/none/sleep/single', 0));
    expect(trialSeed(2, 'a/v1/none/sleep/single', 0)).not.toBe(trialSeed(1, 'a/v1/none/sleep/single', 0));
  });
});

describe('the order on a machine', () => {
  it('puts what may wedge it last and keeps the rest', () => {
    const ordered = orderForMachine(all);
    const first = ordered.findIndex(({ workload }) => workload === 'fuse-unanswered');
    expect(ordered.slice(first).every(({ workload }) => workload === 'fuse-unanswered')).toBe(true);
    expect(ordered.filter(({ workload }) => workload !== 'fuse-unanswered')).toEqual(
      all.filter(({ workload }) => workload !== 'fuse-unanswered'),
    );
    expect(workloadNames).toContain('fuse-unanswered');
  });
});
