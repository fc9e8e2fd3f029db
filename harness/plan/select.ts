import { FrostlineError } from '../errors.ts';
import type { Matrix, Selector } from '../matrix/matrix.ts';
import { axisNames, type AxisName } from '../matrix/axes.ts';
import { stepsStrategy } from '../matrix/sequence.ts';
import { suggest } from '../matrix/suggest.ts';

const usage = (message: string): FrostlineError =>
  new FrostlineError(message, {
    code: 'usage',
    todo: 'For example: --select distro=debian-12,workload=sleep,spin',
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
      return [...matrix.workloads, ...matrix.sequences.keys()];
    case 'strategy':
      return [...matrix.strategies.keys(), ...(matrix.sequences.size > 0 ? [stepsStrategy] : [])];
  }
}

/**
 * Parses `--select axis=name,name,axis=name ...`. A word without `=` is another name on the preceding axis;
 * `+` also separates names, unless the word as a whole is a name of the matrix. A cell must match every axis
 * given, by any of its names. Throws ('usage') for axes and names that the matrix does not have.
 */
export function parseSelect(options: readonly string[], matrix: Matrix): Selector {
  const selector: Partial<Record<AxisName, string[]>> = {};
  for (const option of options) {
    let axis: AxisName | undefined;
    for (const word of option.split(',').filter(Boolean)) {
      const [before, after] = splitOnce(word);
      if (after !== undefined) axis = parseAxis(before);
      if (axis === undefined) throw usage(`--select "${word}" is not axis=name.`);
      (selector[axis] ??= []).push(...parseNames(after ?? word, axis, matrix));
    }
  }
  return selector as Selector;
}

/** Splits at the first `=`, unless a `:` comes first: then the `=` belongs to a variant's name. */
function splitOnce(word: string): [string, string?] {
  const at = word.search(/[:=]/);
  return at < 0 || word[at] === ':' ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

function parseAxis(text: string): AxisName {
  const axis = axisNames.find((name) => name === text);
  if (axis === undefined) throw usage(`--select: unknown axis "${text}".${likeText(text, axisNames)}`);
  return axis;
}

function parseNames(text: string, axis: AxisName, matrix: Matrix): readonly string[] {
  const known = namesOn(matrix, axis);
  const names = known.includes(text) ? [text] : text.split('+');
  for (const name of names) {
    if (!known.includes(name))
      throw usage(`--select: no ${axis} "${name}" in this matrix.${likeText(name, known)}`);
  }
  return names;
}
