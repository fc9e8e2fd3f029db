import type { CgroupVersion, Runtime } from '../matrix/matrix.ts';

/** One combination to measure. `id` is stable: `distro/cgroup/runtime/workload/strategy`. */
export interface Cell {
  readonly id: string;
  readonly distro: string;
  readonly cgroup: CgroupVersion;
  readonly runtime: Runtime;
  /** The name of a workload, a variant of one, or a sequence. */
  readonly workload: string;
  readonly strategy: string;
}
