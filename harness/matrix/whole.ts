import type { Matrix, Selector } from './matrix.ts';
import { combine } from './selector.ts';
import type { Pointed } from './validate.ts';

/** What a sound matrix says of cells that it does not have. */
export function checkCells(matrix: Matrix): Pointed[] {
  const found = checkExcludes(matrix);
  if (found.length > 0) return found;
  if (!exists(matrix, {})) {
    const text =
      'No cell is left: every combination is excluded, or no strategy exists for its cgroup version.';
    const path = [matrix.exclude.length > 0 ? 'exclude' : 'strategies'];
    return [{ path, problem: { code: 'pointless', text } }];
  }
  return matrix.expect.flatMap(({ where }, i): Pointed[] =>
    exists(matrix, where)
      ? []
      : [{ path: ['expect', i], problem: { code: 'matches-nothing', what: 'This expectation' } }],
  );
}

function checkExcludes(matrix: Matrix): Pointed[] {
  const all = { ...matrix, exclude: [] };
  return matrix.exclude.flatMap((selector, i): Pointed[] => {
    const path = ['exclude', i];
    if (Object.keys(selector).length === 0) {
      const text = 'This exclude names no axis, so it would leave out everything. Name one, or remove it.';
      return [{ path, problem: { code: 'pointless', text } }];
    }
    if (exists(all, selector)) return [];
    return [{ path, problem: { code: 'matches-nothing', what: 'This exclude' } }];
  });
}

/** Whether some cell that is not excluded agrees with a selector; looks no further than the first. */
const exists = (matrix: Matrix, where: Selector): boolean => combine(matrix, where).next().done === false;

/** What is no error, yet hardly meant: strategies that no cgroup version of the matrix has a form of. */
export function checkUnused({ strategies, cgroups }: Matrix): Pointed[] {
  return [...strategies].flatMap(([name, forms]): Pointed[] => {
    const formsFor = Object.keys(forms);
    if (cgroups.some((version) => formsFor.includes(version))) return [];
    return [{ path: ['strategies'], key: name, problem: { code: 'unused-strategy', name, formsFor } }];
  });
}
