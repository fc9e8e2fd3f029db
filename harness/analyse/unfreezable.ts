import type { WorkloadName } from '../matrix/workloads.ts';
import { byVersion } from './versions.ts';

/** The properties of a kernel's freezer that decide what it cannot freeze. */
export interface Freezer {
  /** `hybrid` has v1's freezer. */
  readonly cgroup: string;
  /** As the guest reports it. */
  readonly release: string;
}

const always = (): boolean => true;
const from = ({ release }: Freezer, version: string): boolean => byVersion(release, version) >= 0;

/**
 * Workloads in which a task waits where the freezer does not count it as frozen and where no retry helps, with the
 * freezers for which this holds. The list follows from the kernel's sleeps (see `docs/findings`), not from the
 * strategies that a run happens to have.
 */
const unfreezable: Readonly<Partial<Record<WorkloadName, (freezer: Freezer) => boolean>>> = {
  'fuse-unanswered': always,
  // up to at least 4.4 a request that nobody has read is withdrawn; on 4.18 it no longer is
  'fuse-unread': (freezer) => from(freezer, '4.18') || freezer.cgroup === 'v2',
  'fuse-flush': always,
  'fuse-exit-flush': always,
  // since 6.18 v1 can freeze a task that waits for the file system
  'fsfreeze-write': (freezer) => freezer.cgroup === 'v2' || !from(freezer, '6.18'),
  'blkio-throttle': always,
  'loop-on-fuse': always,
  'dm-suspend': always,
  'nbd-dead': always,
  // v1 counts that wait as frozen
  'nfs-hung': ({ cgroup }) => cgroup === 'v2',
  'nfs-hung-behind': always,
  'memcg-oom-wait': always,
  'uffd-kernel': always,
  // before 6.4 a kernel thread, which v2 counts
  'vhost-worker': (freezer) => freezer.cgroup === 'v2' && !from(freezer, '6.4'),
};

/** Whether no strategy can freeze a workload, or a variant of one, there. Unknown workloads count as freezable. */
export function isUnfreezable(name: string, freezer: Freezer): boolean {
  const [workload = ''] = name.split(':');
  return Object.entries(unfreezable).some(([known, holds]) => known === workload && holds(freezer));
}
