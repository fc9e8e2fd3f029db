import { parseSized } from './cpus.ts';
import { hasUserland, type Matrix, type Selector } from './matrix.ts';
import { combine, toolOf } from './selector.ts';
import { isUsable, tools } from './tools.ts';
import { gapUse } from './workloads.ts';
import type { Pointed } from './validate.ts';

/** Checks a resolved matrix for cells that do not exist or cannot run. */
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

/** Containers need a runtime program, which comes with a userland or a distro. */
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

/** `startGap` freezes at a random moment, which workloads whose start acts on existing processes do not support. */
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

/** Whether any cell that is not excluded matches a selector; stops at the first. */
const exists = (matrix: Matrix, where: Selector): boolean => combine(matrix, where).next().done === false;

/** Warnings: strategies that no cell of the matrix uses. */
export function checkUnused(matrix: Matrix): Pointed[] {
  const { strategies, cgroups, runtimes } = matrix;
  return [...strategies].flatMap(([name, forms]): Pointed[] => {
    const tool = toolOf(matrix, name);
    if (tool !== null && !runtimes.some((runtime) => isUsable(tool, runtime))) {
      const problem = { code: 'unused-tool', name, runtimes: tools[tool].runtimes } as const;
      return [{ path: ['strategies'], key: name, problem }];
    }
    if (cgroups.some((version) => forms[version] !== undefined)) return [];
    // v1 stands for hybrid, too, which has the same freezer
    const formsFor = Object.keys(forms).filter((version) => version !== 'hybrid');
    return [{ path: ['strategies'], key: name, problem: { code: 'unused-strategy', name, formsFor } }];
  });
}
