import { FrostlineError } from '../errors.ts';
import type { Matrix, Selector } from '../matrix/matrix.ts';
import { suggest } from '../matrix/validate.ts';
import { axisNames, type AxisName } from './cells.ts';

const usage = (message: string): FrostlineError =>
  new FrostlineError(message, {
    code: 'usage',
    todo: 'For example: --select distro=debian-12,workload=sleep+spin',
  });

const likeText = (word: string, known: readonly string[]): string => {
  const like = suggest(word, known);
  return `${like === null ? '' : ` Did you mean "${like}"?`} Known: ${known.slice(0, 20).join(', ')}.`;
};

/** The names a matrix has on an axis. */
export function namesOn(matrix: Matrix, axis: AxisName): readonly string[] {
  switch (axis) {
    case 'distro':
      return [...matrix.distros.keys()];
    case 'cgroup':
      return matrix.cgroups;
    case 'runtime':
      return matrix.runtimes;
    case 'workload':
      return matrix.workloads;
    case 'strategy':
      return [...matrix.strategies.keys()];
  }
}

/**
 * Parses `--select axis=name,axis=name ...`: several names on one axis by repeating it or with `+`.
 * Rejects ('usage') axes and names that the matrix does not have.
 */
export function parseSelect(words: readonly string[], matrix: Matrix): Selector {
  const selector: Partial<Record<AxisName, string[]>> = {};
  for (const word of words.flatMap((text) => text.split(',')).filter(Boolean)) {
    const [axis = '', value] = word.split('=', 2);
    if (value === undefined) throw usage(`--select "${word}" is no axis=name.`);
    const known = axisNames.find((name) => name === axis);
    if (known === undefined) throw usage(`--select: unknown axis "${axis}".${likeText(axis, axisNames)}`);
    const names = namesOn(matrix, known);
    for (const name of value.split('+')) {
      if (!names.includes(name))
        throw usage(`--select: no ${axis} "${name}" in this matrix.${likeText(name, names)}`);
      (selector[known] ??= []).push(name);
    }
  }
  return selector as Selector;
}
