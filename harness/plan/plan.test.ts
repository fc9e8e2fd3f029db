import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadMatrix } from '../matrix/load.ts';
import type { Matrix, Selector } from '../matrix/matrix.ts';
import { workloadNames } from '../matrix/workloads.ts';
import { axisNames } from '../matrix/axes.ts';
import type { Cell } from './cell.ts';
import { countLeftOut, planCells } from './cells.ts';
import { orderForMachine } from '../schedule/order.ts';
import { trialSeed } from './seeds.ts';
import { parseSelect } from './select.ts';
import { isInShard, parseShard } from './shard.ts';
import { roundsOf } from '../schedule/rounds.ts';
import { trialsOf } from '../schedule/assignment.ts';

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

/** All combinations of the axes, computed naively, to compare the plan with. */
function combineAll({ distros, cgroups, runtimes, workloads, strategies }: Matrix): Omit<Cell, 'id'>[] {
  return [...distros.keys()].flatMap((distro) =>
    cgroups.flatMap((cgroup) =>
      runtimes.flatMap((runtime) =>
        workloads.flatMap((workload) =>
          [...strategies.keys()].map((strategy) => ({ distro, cgroup, runtime, workload, strategy })),
        ),
      ),
    ),
  );
}

const agrees = (cell: Omit<Cell, 'id'>, selector: Selector): boolean =>
  axisNames.every((axis) => {
    const names: readonly string[] | undefined = selector[axis];
    return names === undefined || names.includes(cell[axis]);
  });

const idOf = (cell: Omit<Cell, 'id'>): string => axisNames.map((axis) => cell[axis]).join('/');

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

  it('are in the order of the matrix those that no exclude and every selection agrees with', () => {
    const axis = <T>(names: readonly T[]): fc.Arbitrary<T[]> =>
      fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 });
    const selector = fc.record(
      {
        distro: axis(['a', 'b']),
        cgroup: axis(['v1', 'v2'] as const),
        runtime: axis(['none'] as const),
        workload: axis(['fuse-unanswered', 'sleep', 'spin'] as const),
        strategy: axis(['single', 'rewrite', 'v2']),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(selector, { maxLength: 4 }), selector, (exclude, select) => {
        const wanted = combineAll(matrix).filter(
          (cell) =>
            matrix.strategies.get(cell.strategy)?.[cell.cgroup] !== undefined &&
            agrees(cell, select) &&
            !exclude.some((one) => agrees(cell, one)),
        );
        const planned = [...planCells({ ...matrix, exclude }, select)];
        expect(planned).toEqual(wanted.map((cell) => ({ id: idOf(cell), ...cell })));
      }),
    );
  });

  it('are counted when their strategy does not exist', () => {
    expect(countLeftOut(matrix)).toEqual([
      { strategy: 'rewrite', on: 'v2', combinations: 6 },
      { strategy: 'v2', on: 'v1', combinations: 6 },
    ]);
    const left = countLeftOut(matrix).reduce((sum, { combinations }) => sum + combinations, 0);
    expect(all.length + left).toBe(combineAll(matrix).length);
  });
});

describe('--select', () => {
  it.each([
    [['distro=a,workload=sleep,spin', 'strategy=single']],
    [['distro=a,workload=sleep+spin', 'strategy=single']],
    [['distro=a', 'workload=sleep', 'workload=spin', 'strategy=single']],
  ])('joins names of one axis and intersects axes: %j', (words) => {
    const select = parseSelect(words, matrix);
    expect([...planCells(matrix, select)].map(({ id }) => id)).toEqual([
      'a/v1/none/sleep/single',
      'a/v1/none/spin/single',
      'a/v2/none/sleep/single',
      'a/v2/none/spin/single',
    ]);
  });

  it('takes a name that holds a plus', () => {
    const distros = new Map([...matrix.distros, ['linux+rt', matrix.distros.get('a')!]]);
    expect(parseSelect(['distro=linux+rt'], { ...matrix, distros })).toEqual({ distro: ['linux+rt'] });
  });

  it.each([
    ['a,distro=b', '--select "a" is not axis=name'],
    ['distro', '--select "distro" is not axis=name'],
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
    expect(() => parseShard(text)).toThrow('is not INDEX/COUNT');
  });
});

describe('shares', () => {
  it('give every trial to one machine, and as many to each but for one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 50 }), (trials, machines) => {
        const shares = Array.from({ length: machines }, (_, i) => [
          ...trialsOf(i, machines, { number: 0, from: 0, to: trials }),
        ]);
        expect(shares.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: trials }, (_, i) => i));
        const sizes = shares.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('rounds', () => {
  it('are one for a number of trials, and else grow by half', () => {
    expect(roundsOf({ trials: 20, sampling: null })).toEqual([{ number: 0, from: 0, to: 20 }]);
    const ends = roundsOf({ trials: 200, sampling: { min: 10, halfWidth: 0.1 } }).map(({ to }) => to);
    expect(ends).toEqual([10, 15, 23, 35, 53, 80, 120, 180, 200]);
    expect(roundsOf({ trials: 10, sampling: { min: 10, halfWidth: 0.1 } })).toHaveLength(1);
  });

  it('hold every trial once, in order', () => {
    const numbers = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const rounds = roundsOf({
          trials: Math.max(a, b),
          sampling: { min: Math.min(a, b), halfWidth: 0.1 },
        });
        expect(rounds.map(({ from }) => from)).toEqual([0, ...rounds.slice(0, -1).map(({ to }) => to)]);
        expect(rounds.at(-1)!.to).toBe(Math.max(a, b));
        expect(rounds.every(({ from, to }) => to > from)).toBe(true);
      }),
    );
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
  it('keeps a cgroup set-up together, what may wedge the machine last in it, and else the order planned', () => {
    const ordered = orderForMachine(all);
    const runs = ordered.map(({ cgroup, workload }) => `${cgroup} ${workload === 'fuse-unanswered'}`);
    expect(runs.filter((run, i) => run !== runs[i - 1])).toEqual([
      ...['v1 false', 'v1 true', 'v2 false', 'v2 true'],
    ]);
    const others = (cells: readonly Cell[], cgroup: string): Cell[] =>
      cells.filter((cell) => cell.cgroup === cgroup && cell.workload !== 'fuse-unanswered');
    for (const cgroup of ['v1', 'v2']) expect(others(ordered, cgroup)).toEqual(others(all, cgroup));
    expect(workloadNames).toContain('fuse-unanswered');
  });
});
