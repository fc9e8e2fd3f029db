import type { Problem } from './finding.ts';
import { hasCpus, sizedDistros } from './cpus.ts';
import { contradictions } from './forms.ts';
import type { RawMatrix } from './schema.ts';
import { checkSequences } from './sequences.ts';
import { stepsStrategy } from './sequence.ts';
import { checkImage, checkSource } from './source.ts';
import type { Pointed, Validated } from './validate.ts';
import { namesOf } from './variants.ts';
import { waysOf } from './ways.ts';

type Partials = Partial<RawMatrix>;
type Given = Validated['given'];

/** Checks those parts of a matrix that match the schema for consistency. */
export function checkTogether(validated: Validated): Pointed[] {
  const { raw, given } = validated;
  return [
    ...checkEmpty(given),
    ...checkTwice(given),
    ...checkVariants(raw),
    ...checkCpus(raw),
    ...checkKernels(raw),
    ...checkStrategies(raw),
    ...checkSelectors(raw, given),
    ...checkTrials(raw, given),
    ...checkSequences(validated),
  ];
}

function checkEmpty(given: Given): Pointed[] {
  return (['distros', 'strategies', 'sequences'] as const)
    .filter((key) => isMapping(given[key]) && Object.keys(given[key]).length === 0)
    .map((key) => ({ path: [key], problem: { code: 'empty', what: `"${key}"` } }));
}

function checkTwice(given: Given): Pointed[] {
  return (['cgroups', 'runtimes', 'workloads'] as const).flatMap((key) => {
    const seen = new Set<unknown>();
    const names: readonly unknown[] = Array.isArray(given[key]) ? given[key] : [];
    return names.flatMap((name, i): Pointed[] => {
      if (typeof name !== 'string') return [];
      if (seen.has(name)) return [{ path: [key, i], problem: { code: 'duplicate', name } }];
      seen.add(name);
      return [];
    });
  });
}

/** Workload entries that produce the same name as another. Literal duplicates are left to `checkTwice`. */
function checkVariants({ workloads = [], load }: Partials): Pointed[] {
  const seen = new Set<string>();
  const words = new Set<unknown>();
  return workloads.flatMap((entry, i): Pointed[] => {
    const isTold = typeof entry === 'string' && words.has(entry);
    words.add(entry);
    const names = namesOf([entry], load);
    const again = names.find((name, j) => seen.has(name) || names.indexOf(name) < j);
    for (const name of names) seen.add(name);
    if (again === undefined || isTold) return [];
    return [{ path: ['workloads', i], problem: { code: 'duplicate', name: again } }];
  });
}

function checkKernels(raw: Partials): Pointed[] {
  return Object.entries(raw.distros ?? {}).flatMap(([distro, one]) =>
    waysOf(one).flatMap(({ path, way }): Pointed[] => {
      if (way.driver !== 'qemu') return [];
      const at = ['distros', distro, ...path];
      const of = (key: 'kernel' | 'image', problem: Problem | null): Pointed[] =>
        problem === null ? [] : [{ path: [...at, key], problem }];
      const problems = [
        ...(way.kernel === undefined ? [] : of('kernel', checkSource(way.kernel))),
        ...(way.image === undefined ? [] : of('image', checkImage(way.image))),
      ];
      const both = way.kernel !== undefined && way.image !== undefined;
      if (both || (way.kernel === undefined && way.image === undefined))
        return [...problems, { path: at, problem: { code: 'either', keys: ['kernel', 'image'], both } }];
      const [key, other, why] =
        way.image === undefined
          ? (['install', 'kernel', 'its tools are those of a userland'] as const)
          : (['userland', 'image', 'a distro has tools of its own'] as const);
      if (way[key] === undefined) return problems;
      return [...problems, { path: [...at, key], problem: { code: 'not-with', key, other, why } }];
    }),
  );
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

function checkTrials({ trials = 20, machines }: Partials, given: Given): Pointed[] {
  const isTrialsWrong = given['trials'] !== undefined && given['trials'] !== trials;
  if (isTrialsWrong) return [];
  if (typeof trials !== 'number' && trials.max < trials.min) {
    const problem = {
      code: 'bad-value',
      expected: `at least ${trials.min}, which is min`,
      got: `the number ${trials.max}`,
    } as const;
    return [{ path: ['trials', 'max'], problem }];
  }
  const most = typeof trials === 'number' ? trials : trials.min;
  if (machines === undefined || machines <= most) return [];
  const expected = `at most ${most}, the number of trials${typeof trials === 'number' ? '' : ' of a first round'}`;
  return [
    { path: ['machines'], problem: { code: 'bad-value', expected, got: `the number ${String(machines)}` } },
  ];
}

/** Names in exclude, expect and contrasts that their axis lacks. Skips an axis that is itself invalid. */
function checkSelectors(raw: Partials, given: Given): Pointed[] {
  const { strategies } = given;
  const axes = Object.entries({
    distro: distroNames(raw, given),
    strategy: withSequences(isMapping(strategies) ? Object.keys(strategies) : undefined, {
      given,
      axis: 'strategies',
      names: () => [stepsStrategy],
    }),
    cgroup: raw.cgroups,
    workload: withSequences(raw.workloads && namesOf(raw.workloads, raw.load), {
      given,
      axis: 'workloads',
      names: Object.keys,
    }),
    runtime: given['runtimes'] === undefined ? ['none'] : raw.runtimes,
  }).flatMap(([axis, known]) =>
    known === undefined ? [] : [{ axis, known: known as readonly string[], set: new Set<string>(known) }],
  );
  const contrasts = (raw.contrasts ?? []).flatMap((contrast, i) =>
    (['from', 'to'] as const).flatMap((end): Pointed[] => {
      const on = axes.find(({ axis }) => axis === contrast.axis);
      const name = contrast[end];
      if (on === undefined || name === undefined || on.set.has(name)) return [];
      const problem = { code: 'unknown-name', name, known: on.known } as const;
      return [{ path: ['contrasts', i, end], problem }];
    }),
  );
  const selected = (['exclude', 'expect'] as const).flatMap((key) =>
    (raw[key] ?? []).flatMap((selector, i) =>
      axes.flatMap(({ axis, known, set }) =>
        wordsOf(selector, axis)
          .filter((name) => !set.has(name))
          .map((name): Pointed => ({
            path: [key, i, axis],
            problem: { code: 'unknown-name', name, known },
          })),
      ),
    ),
  );
  return [...selected, ...contrasts];
}

/** The names on the distro axis, including those of invalid distros. */
function distroNames({ distros = {}, cpus }: Partials, given: Given): readonly string[] | undefined {
  if (!isMapping(given['distros'])) return undefined;
  const sized = sizedDistros({ distros, cpus }).map(({ name }) => name);
  return [...sized, ...Object.keys(given['distros']).filter((name) => !Object.hasOwn(distros, name))];
}

/** `cpus` must have no duplicates, and cannot be used with existing machines, whose number of CPUs is fixed. */
function checkCpus({ distros = {}, cpus }: Partials): Pointed[] {
  if (cpus === undefined) return [];
  const seen = new Set<number>();
  const twice = [cpus].flat().find((count) => seen.size === seen.add(count).size);
  if (twice !== undefined) return [{ path: ['cpus'], problem: { code: 'duplicate', name: String(twice) } }];
  const others = Object.values(distros)
    .flatMap(waysOf)
    .find(({ way }) => !hasCpus(way));
  if (others === undefined) return [];
  const why = 'the processors of an existing machine are given';
  return [
    {
      path: ['cpus'],
      problem: { code: 'not-with', key: 'cpus', other: `driver: ${others.way.driver}`, why },
    },
  ];
}

/** The names on an axis that sequences are on, too; undefined if one of the two is itself invalid. */
function withSequences(
  own: readonly string[] | undefined,
  { given, axis, names }: { given: Given; axis: string; names: (sequences: object) => readonly string[] },
): readonly string[] | undefined {
  const { sequences } = given;
  if (own === undefined && given[axis] !== undefined) return undefined;
  if (sequences === undefined) return own;
  return isMapping(sequences) ? [...(own ?? []), ...names(sequences)] : undefined;
}

function wordsOf(selector: object, axis: string): string[] {
  const value = (selector as Readonly<Record<string, string | string[] | undefined>>)[axis];
  return value === undefined ? [] : [value].flat();
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
