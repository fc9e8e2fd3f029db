import type { Expectation, Matrix, Selector, StrategyForms } from './matrix.ts';
import type { Problem } from './finding.ts';
import { contradictions, toForms } from './forms.ts';
import type { RawMatrix, RawSelector } from './schema.ts';
import { parseKernel } from './source.ts';
import { suites } from './suites.ts';
import { suggest } from './validate.ts';

/** A problem and where it is: a path of keys, and the key token itself when `key` is given. */
export interface Pointed {
  readonly path: readonly PropertyKey[];
  readonly key?: string;
  readonly problem: Problem;
}

type Partials = Partial<RawMatrix>;

/** What holds together badly in the parts of a matrix that have the right shape. */
export function checkTogether(
  raw: Partials,
  names: { distros: readonly string[]; strategies: readonly string[] },
): Pointed[] {
  return [
    ...checkEmpty(raw),
    ...checkTwice(raw),
    ...checkKernels(raw),
    ...checkStrategies(raw),
    ...checkSelectors(raw, names),
    ...checkTrials(raw),
  ];
}

function checkEmpty(raw: Partials): Pointed[] {
  return (['distros', 'strategies'] as const)
    .filter((key) => raw[key] !== undefined && Object.keys(raw[key]).length === 0)
    .map((key) => ({ path: [key], problem: { code: 'empty', what: `"${key}"` } }));
}

function checkTwice(raw: Partials): Pointed[] {
  return (['cgroups', 'runtimes', 'workloads'] as const).flatMap((key) =>
    (raw[key] ?? []).flatMap((name, i, all): Pointed[] =>
      (all as readonly string[]).indexOf(name) < i
        ? [{ path: [key, i], problem: { code: 'duplicate', name } }]
        : [],
    ),
  );
}

function checkKernels(raw: Partials): Pointed[] {
  return Object.entries(raw.distros ?? {}).flatMap(([name, { kernel }]): Pointed[] => {
    const source = parseKernel(kernel, '/');
    if (source.kind !== 'deb' || (suites as readonly string[]).includes(source.suite)) return [];
    const like = suggest(source.suite, suites);
    return [
      {
        path: ['distros', name, 'kernel'],
        problem: { code: 'unknown-name', name: source.suite, known: suites, like },
      },
    ];
  });
}

function checkStrategies(raw: Partials): Pointed[] {
  return Object.entries(raw.strategies ?? {}).flatMap(([name, strategy]) =>
    contradictions(strategy).map(([key, text]): Pointed => ({
      path: ['strategies', name],
      key,
      problem: { code: 'pointless', text },
    })),
  );
}

function checkTrials({ trials = 20, machines }: Partials): Pointed[] {
  if (machines === undefined || machines <= trials) return [];
  const problem: Problem = {
    code: 'bad-value',
    expected: `at most ${trials}, the number of trials`,
    got: String(machines),
  };
  return [{ path: ['machines'], problem }];
}

/** Names in exclude and expect that are on no axis of this matrix. */
function checkSelectors(
  raw: Partials,
  names: { distros: readonly string[]; strategies: readonly string[] },
): Pointed[] {
  const axes: Readonly<Record<string, readonly string[] | undefined>> = {
    distro: names.distros,
    strategy: names.strategies,
    cgroup: raw.cgroups,
    workload: raw.workloads,
    runtime: raw.runtimes ?? ['none'],
  };
  return (['exclude', 'expect'] as const).flatMap((key) =>
    (raw[key] ?? []).flatMap((selector, i) =>
      Object.entries(axes).flatMap(([axis, known]) =>
        wordsOf(selector, axis).flatMap((name): Pointed[] =>
          known === undefined || known.includes(name)
            ? []
            : [
                {
                  path: [key, i, axis],
                  problem: { code: 'unknown-name', name, known, like: suggest(name, known) },
                },
              ],
        ),
      ),
    ),
  );
}

function wordsOf(selector: object, axis: string): string[] {
  const value = (selector as Readonly<Record<string, string | string[] | undefined>>)[axis];
  return value === undefined ? [] : [value].flat();
}

/** What a sound matrix says of cells that it does not have. `cells` lists them, excluded ones too. */
export function checkCells(matrix: Matrix, raw: RawMatrix): Pointed[] {
  const found: Pointed[] = [];
  for (const [i, selector] of (raw.exclude ?? []).entries()) {
    if (Object.keys(selector).length === 0) {
      const text = 'This exclude names no axis, so it would leave out everything. Name one, or remove it.';
      found.push({ path: ['exclude', i], problem: { code: 'pointless', text } });
    } else if (!exists(matrix, matrix.exclude[i]!, [])) {
      found.push({ path: ['exclude', i], problem: { code: 'matches-nothing', what: 'This exclude' } });
    }
  }
  if (found.length > 0) return found;
  if (!exists(matrix, {}, matrix.exclude)) {
    const text =
      'No cell is left: every combination is excluded, or no strategy exists for its cgroup version.';
    return [{ path: raw.exclude ? ['exclude'] : ['strategies'], problem: { code: 'pointless', text } }];
  }
  for (const [i, { where }] of matrix.expect.entries()) {
    if (exists(matrix, where, matrix.exclude)) continue;
    found.push({ path: ['expect', i], problem: { code: 'matches-nothing', what: 'This expectation' } });
  }
  return found;
}

/** Whether some cell that no `without` covers agrees with a selector; stops at the first. */
function exists(matrix: Matrix, where: Selector, without: readonly Selector[]): boolean {
  const on = <T extends string>(names: Iterable<T>, axis: keyof Selector): T[] => {
    const wanted: readonly string[] | undefined = where[axis];
    return [...names].filter((name) => wanted === undefined || wanted.includes(name));
  };
  // distros that no exclude names are alike: one of them stands for all
  const named = new Set(without.flatMap((selector) => selector.distro ?? []));
  const distros = on(matrix.distros.keys(), 'distro');
  const alike = distros.find((name) => !named.has(name));
  const some = [...distros.filter((name) => named.has(name)), ...(alike === undefined ? [] : [alike])];
  return some.some((distro) =>
    on(matrix.cgroups, 'cgroup').some((cgroup) =>
      on(matrix.strategies.keys(), 'strategy')
        .filter((strategy) => matrix.strategies.get(strategy)?.[cgroup] !== undefined)
        .some((strategy) =>
          on(matrix.workloads, 'workload').some((workload) =>
            on(matrix.runtimes, 'runtime').some((runtime) => {
              const cell = { distro, cgroup, strategy, workload, runtime };
              return !without.some((selector) => covers(selector, cell));
            }),
          ),
        ),
    ),
  );
}

const covers = (selector: Selector, cell: Readonly<Record<(typeof axes)[number], string>>): boolean =>
  axes.every(
    (axis) => selector[axis] === undefined || (selector[axis] as readonly string[]).includes(cell[axis]),
  );

const axes = ['distro', 'cgroup', 'runtime', 'workload', 'strategy'] as const;

function toSelector(raw: RawSelector): Selector {
  return Object.fromEntries(
    axes.filter((axis) => raw[axis] !== undefined).map((axis) => [axis, [raw[axis]].flat()]),
  );
}

function toExpectation(raw: NonNullable<RawMatrix['expect']>[number]): Expectation {
  const { rate, ...where } = raw;
  const [, op, value] = /^(>=|<=|==|>|<)\s*(.+)$/.exec(rate) ?? [];
  return { where: toSelector(where), rate: { op: op as Expectation['rate']['op'], value: Number(value) } };
}

/** A sound raw matrix with its defaults filled in. */
export function resolveMatrix(raw: RawMatrix, text: string, folder: string): Matrix {
  const trials = raw.trials ?? 20;
  const strategies = Object.entries(raw.strategies).map(([name, strategy]): [string, StrategyForms] => [
    name,
    toForms(name, strategy, raw.deadline),
  ]);
  const distros = Object.entries(raw.distros).map(
    ([name, { driver, kernel, cpus = 2, memory = 512, cmdline = null }]) =>
      [name, { driver, kernel: parseKernel(kernel, folder), cpus, memoryMiB: memory, cmdline }] as const,
  );
  return {
    name: raw.name,
    trials,
    machines: raw.machines ?? Math.min(4, trials),
    seed: raw.seed ?? 1,
    distros: new Map(distros),
    cgroups: raw.cgroups,
    runtimes: raw.runtimes ?? ['none'],
    workloads: raw.workloads,
    strategies: new Map(strategies),
    exclude: (raw.exclude ?? []).map(toSelector),
    expect: (raw.expect ?? []).map(toExpectation),
    text,
  };
}
