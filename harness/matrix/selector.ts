import { axisNames } from './axes.ts';
import type { CgroupVersion, Matrix, Runtime, Selector } from './matrix.ts';
import { stepsStrategy } from './sequence.ts';
import { isUsable, type ToolName } from './tools.ts';

/** A name on each axis. */
export interface Combination {
  readonly distro: string;
  readonly cgroup: CgroupVersion;
  readonly runtime: Runtime;
  readonly workload: string;
  readonly strategy: string;
}

/** The tool that a strategy runs; null: the strategy is a loop of frostbite's own. */
export const toolOf = (matrix: Matrix, strategy: string): ToolName | null =>
  Object.values(matrix.strategies.get(strategy) ?? {})[0]?.tool ?? null;

/** An exclude, with the index of the last axis it names: once it matches down to there, it covers all deeper levels. */
interface Exclusion {
  readonly names: readonly (ReadonlySet<string> | null)[];
  readonly last: number;
}

function compile(selector: Selector): Exclusion {
  const names = axisNames.map((axis) =>
    selector[axis] === undefined ? null : new Set<string>(selector[axis]),
  );
  return { names, last: names.findLastIndex((set) => set !== null) };
}

/** The exclusions that still match after a name on an axis; null if one of them covers everything below it. */
function narrow(from: readonly Exclusion[], level: number, name: string): readonly Exclusion[] | null {
  if (from.length === 0) return from;
  const left: Exclusion[] = [];
  for (const exclusion of from) {
    if (exclusion.names[level]?.has(name) === false) continue;
    if (exclusion.last <= level) return null;
    left.push(exclusion);
  }
  return left;
}

function keep<T extends string>(names: Iterable<T>, wanted: readonly string[] | undefined): T[] {
  const set = wanted === undefined ? null : new Set<string>(wanted);
  return set === null ? [...names] : [...names].filter((name) => set.has(name));
}

/**
 * The combinations that match a selector, lazily and in the order of the matrix. Leaves out those that are excluded, or
 * whose strategy has no form for their cgroup version or is a tool for other runtimes; skipping them is cheap.
 */
export function* combine(matrix: Matrix, select: Selector = {}): Generator<Combination> {
  const exclusions = matrix.exclude.map(compile);
  const distros = keep(matrix.distros.keys(), select.distro);
  const cgroups = keep(matrix.cgroups, select.cgroup);
  const runtimes = keep(matrix.runtimes, select.runtime);
  const workloads = keep(matrix.workloads, select.workload);
  const named = keep(matrix.strategies.keys(), select.strategy);
  const strategies = new Map(
    cgroups.map((cgroup) => [
      cgroup,
      named.filter((name) => matrix.strategies.get(name)?.[cgroup] !== undefined),
    ]),
  );
  for (const distro of distros) {
    const byDistro = narrow(exclusions, 0, distro);
    if (byDistro === null) continue;
    for (const cgroup of cgroups) {
      const byCgroup = narrow(byDistro, 1, cgroup);
      if (byCgroup === null) continue;
      for (const runtime of runtimes) {
        const byRuntime = narrow(byCgroup, 2, runtime);
        if (byRuntime === null) continue;
        for (const workload of workloads) {
          const byWorkload = narrow(byRuntime, 3, workload);
          if (byWorkload === null) continue;
          for (const strategy of strategies.get(cgroup)!) {
            if (!isUsable(toolOf(matrix, strategy), runtime)) continue;
            if (narrow(byWorkload, 4, strategy) !== null)
              yield { distro, cgroup, runtime, workload, strategy };
          }
        }
      }
      const bare = keep(['none'] as const, select.runtime).filter((name) => narrow(byCgroup, 2, name));
      for (const runtime of keep([stepsStrategy], select.strategy).length > 0 ? bare : []) {
        for (const workload of keep(matrix.sequences.keys(), select.workload)) {
          if (!matrix.sequences.get(workload)!.cgroups.includes(cgroup)) continue;
          const byWorkload = narrow(narrow(byCgroup, 2, runtime)!, 3, workload);
          if (byWorkload !== null && narrow(byWorkload, 4, stepsStrategy) !== null)
            yield { distro, cgroup, runtime, workload, strategy: stepsStrategy };
        }
      }
    }
  }
}
