import { toForms } from './forms.ts';
import type { Distro, Expectation, Matrix, Selector, StrategyForms } from './matrix.ts';
import type { RawMatrix, RawSelector } from './schema.ts';
import { axisNames } from './axes.ts';
import { toBounds } from './expectation.ts';
import { sizedDistros } from './cpus.ts';
import { parseGap } from './gap.ts';
import { resolveSequence } from './sequence.ts';
import { namesOf } from './variants.ts';
import { resolveWay, waysOf } from './ways.ts';

/** Resolves a valid raw matrix: fills in defaults, and resolves relative paths against `folder`. */
export function resolveMatrix(raw: RawMatrix, text: string, folder: string): Matrix {
  const { trials, sampling } = samplingOf(raw.trials ?? 20);
  const strategies = Object.entries(raw.strategies ?? {}).map(([name, strategy]): [string, StrategyForms] => [
    name,
    toForms(name, strategy, raw.deadline),
  ]);
  const distros = sizedDistros(raw).map(({ name, raw: one }): [string, Distro] => {
    const [first, ...more] = waysOf(one).map(({ way }) => resolveWay(way, folder));
    return [name, { ways: [first!, ...more] }];
  });
  return {
    name: raw.name,
    trials,
    sampling,
    machines: raw.machines ?? Math.min(4, sampling?.min ?? trials),
    templates: raw.templates ?? false,
    seed: raw.seed ?? 1,
    startGap: raw.startGap === undefined ? null : parseGap(raw.startGap),
    distros: new Map(distros),
    cgroups: raw.cgroups,
    runtimes: raw.runtimes ?? ['none'],
    workloads: namesOf(raw.workloads ?? [], raw.load),
    strategies: new Map(strategies),
    sequences: new Map(
      Object.entries(raw.sequences ?? {}).map(([name, one]) => [name, resolveSequence(one, raw.cgroups)]),
    ),
    exclude: (raw.exclude ?? []).map(toSelector),
    expect: (raw.expect ?? []).flatMap(toExpectations),
    contrasts: raw.contrasts ?? [],
    text,
  };
}

function samplingOf(given: NonNullable<RawMatrix['trials']>): Pick<Matrix, 'trials' | 'sampling'> {
  if (typeof given === 'number') return { trials: given, sampling: null };
  const { min, max, halfWidth } = given;
  return { trials: max, sampling: { min, halfWidth } };
}

function toSelector(raw: RawSelector): Selector {
  return Object.fromEntries(
    axisNames.filter((axis) => raw[axis] !== undefined).map((axis) => [axis, [raw[axis]].flat()]),
  );
}

function toExpectations(raw: NonNullable<RawMatrix['expect']>[number]): Expectation[] {
  const where = toSelector(raw);
  return toBounds(raw).map((bound) => ({ where, ...bound }));
}
