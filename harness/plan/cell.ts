import type { CgroupVersion, Runtime } from '../matrix/matrix.ts';
import type { WorkloadName } from '../matrix/workloads.ts';

/** One combination to measure. `id` is stable: `distro/cgroup/runtime/workload/strategy`. */
export interface Cell {
  readonly id: string;
  readonly distro: string;
  readonly cgroup: CgroupVersion;
  readonly runtime: Runtime;
  readonly workload: WorkloadName;
  readonly strategy: string;
}
