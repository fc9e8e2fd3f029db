import { parseSized } from './cpus.ts';
import { hasUserland, type Matrix, type Selector } from './matrix.ts';
import { combine, toolOf } from './selector.ts';
import { isUsable, tools } from './tools.ts';
import { gapUse } from './workloads.ts';
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
  const bare = [...checkUserlands(matrix), ...checkGap(matrix)];
  if (bare.length > 0) return bare;
  return matrix.expect.flatMap(({ where }, i): Pointed[] =>
    exists(matrix, where)
      ? []
      : [{ path: ['expect', i], problem: { code: 'matches-nothing', what: 'This expectation' } }],
  );
}

/** Containers need a runtime, which comes with a userland. */
function checkUserlands(matrix: Matrix): Pointed[] {
  return [...matrix.distros].flatMap(([distro, { ways }]): Pointed[] => {
    const boxed = matrix.runtimes.filter((runtime) => runtime !== 'none');
    const runtime =
      !ways.some(hasUserland) && boxed.find((one) => exists(matrix, { distro: [distro], runtime: [one] }));
    if (!runtime) return [];
    return [
      {
        path: ['distros'],
        key: parseSized(distro).distro,
        problem: { code: 'needs-userland', distro, runtime },
      },
    ];
  });
}

/** A freeze at a random moment, of workloads whose start needs processes that are there. */
function checkGap(matrix: Matrix): Pointed[] {
  if (matrix.startGap === null) return [];
  const boxed = matrix.runtimes.filter((runtime) => runtime !== 'none');
  return matrix.workloads.flatMap((workload, i): Pointed[] => {
    const use = gapUse(workload);
    const runtime = use === 'never' ? matrix.runtimes : use === 'bare' ? boxed : [];
    if (runtime.length === 0 || !exists(matrix, { workload: [workload], runtime })) return [];
    return [{ path: ['workloads', i], problem: { code: 'no-gap', workload, use } }];
  });
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

/** What is no error, yet hardly meant: strategies that nothing in the matrix can be frozen with. */
export function checkUnused(matrix: Matrix): Pointed[] {
  const { strategies, cgroups, runtimes } = matrix;
  return [...strategies].flatMap(([name, forms]): Pointed[] => {
    const tool = toolOf(matrix, name);
    if (tool !== null && !runtimes.some((runtime) => isUsable(tool, runtime))) {
      const problem = { code: 'unused-tool', name, runtimes: tools[tool].runtimes } as const;
      return [{ path: ['strategies'], key: name, problem }];
    }
    if (cgroups.some((version) => forms[version] !== undefined)) return [];
    // v1 stands for hybrid too: its freezer is the same
    const formsFor = Object.keys(forms).filter((version) => version !== 'hybrid');
    return [{ path: ['strategies'], key: name, problem: { code: 'unused-strategy', name, formsFor } }];
  });
}
