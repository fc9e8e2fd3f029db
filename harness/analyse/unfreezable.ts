import type { WorkloadName } from '../matrix/workloads.ts';
import { byVersion } from './versions.ts';

/** A kernel's freezer, as far as it says what cannot be frozen. */
export interface Freezer {
  /** `hybrid` has v1's. */
  readonly cgroup: string;
  /** As the guest reports it. */
  readonly release: string;
}

const always = (): boolean => true;
const from = ({ release }: Freezer, version: string): boolean => byVersion(release, version) >= 0;

/**
 * Workloads in which a task waits where the freezer does not count it as frozen and from where no retry takes it, with the
 * freezers of which that is true. Which these are follows from the sleeps (see `docs/findings`), not from the strategies
 * that a run happens to have.
 */
const unfreezable: Readonly<Partial<Record<WorkloadName, (freezer: Freezer) => boolean>>> = {
  'fuse-unanswered': always,
  // until 4.4 at least a request that nobody has read is withdrawn; on 4.18 it is not any more
  'fuse-unread': (freezer) => from(freezer, '4.18') || freezer.cgroup === 'v2',
  'fuse-flush': always,
  'fuse-exit-flush': always,
  // 6.18 lets v1 freeze who waits for the file system
  'fsfreeze-write': (freezer) => freezer.cgroup === 'v2' || !from(freezer, '6.18'),
  'blkio-throttle': always,
  'loop-on-fuse': always,
  'dm-suspend': always,
  'nbd-dead': always,
  // v1 takes that wait for frozen
  'nfs-hung': ({ cgroup }) => cgroup === 'v2',
  'nfs-hung-behind': always,
  'memcg-oom-wait': always,
  'uffd-kernel': always,
  // a kernel thread until 6.4, which v2 counts
  'vhost-worker': (freezer) => freezer.cgroup === 'v2' && !from(freezer, '6.4'),
};

/** Whether no strategy can freeze a workload, or a variant of one, there. One that is not known can be: false. */
export function isUnfreezable(name: string, freezer: Freezer): boolean {
  const [workload = ''] = name.split(':');
  return Object.entries(unfreezable).some(([known, holds]) => known === workload && holds(freezer));
}
