/**
 * The workloads of frostbite, as named by `frostbite list` (a test keeps the two in sync), with what each
 * leaves in the group.
 */
export const workloads = {
  sleep: 'a process in nanosleep: the control',
  spin: 'a busy loop in user mode',
  'pipe-read': 'a read from an empty pipe',
  sigstop: 'a process stopped by SIGSTOP',
  'ptrace-stop': 'a process held in a ptrace stop by a tracer outside the group',
  'vfork-parent': 'a vfork parent in D, waiting for a child that sleeps',
  'dead-leader': 'a process whose main thread has ended and another lives on',
  'fork-storm': 'endless fork and exit',
  'thread-storm': 'endless pthread_create and join',
  'thread-bomb': '64 chains of threads, each making its successor and joined by it',
  'exec-storm': 'a process of one thread that re-execs itself for ever',
  'fork-exec-storm': 'endless fork, exec and wait',
  'vfork-exec-storm': 'four processes in endless vfork, exec and wait',
  'mt-exec-storm': 'a process of 8 threads that re-execs itself for ever',
  'mt-exec-once': 'threads and one exec at a random moment, as runc init does',
  'attach-storm': 'a sleeper, while others are moved in and out of its group without end',
  'attach-to-frozen': 'a process moved into a group that reads FROZEN already',
  'exec-into': 'a sleeper, while others are executed in its container without end',
  nested: 'a busy group within the group that is frozen',
  'io-uring': 'a process with a worker of io_uring that waits at an empty pipe',
  'vhost-worker': 'a process with a worker of vhost: before Linux 6.4 a kernel thread in its group',
  'coredump-pipe': 'a process of 4 threads that dumps core into a pipe nobody reads',
  'fuse-unanswered': 'a client in D behind a FUSE request that is read and never answered',
  'fuse-unread': 'a client behind a FUSE request that nobody reads',
  'fuse-flush': 'a client in D behind the unanswered FUSE_FLUSH of its close',
  'fuse-exit-flush': 'a killed process in D behind the FUSE_FLUSH of its exit',
  'pidns-init-death': 'a killed init of a pid namespace that waits for a process in D outside the group',
  'fsfreeze-write': 'a writer in D behind a frozen ext4 (FIFREEZE)',
  'blkio-throttle': 'a reader in D behind a throttled disk',
  'blkio-throttle-timed': 'a reader in D behind a throttled disk for two seconds',
  'loop-on-fuse': 'a reader in D behind a loop device on a FUSE file that is never read',
  'dm-suspend': 'a reader in D behind a suspended mapped device',
  'nbd-dead': 'a reader in D behind a network block device whose server is silent',
  'nfs-hung': 'a client in D behind a request to an NFS server that is silent',
  'nfs-hung-behind': 'the same, and a process that waits in D for that client',
  'memcg-oom-wait': 'a process in D, out of memory in a v1 group whose OOM killer is off',
  'uffd-user': 'a touch of a page that its userfaultfd never fills',
  'uffd-kernel': 'a write(2) of a page that its userfaultfd never fills',
} as const;

export type WorkloadName = keyof typeof workloads;
/** The cells in which a workload can be used with `startGap`: all, those without a container, or none. */
export type GapUse = 'any' | 'bare' | 'never';

const bare = [
  ...([
    'ptrace-stop',
    'attach-to-frozen',
    'nested',
    'coredump-pipe',
    'fuse-unanswered',
    'fuse-flush',
  ] as const),
  ...(['blkio-throttle', 'blkio-throttle-timed', 'nfs-hung', 'nfs-hung-behind', 'memcg-oom-wait'] as const),
];
const never = [
  ...([
    'exec-into',
    'vhost-worker',
    'fuse-exit-flush',
    'pidns-init-death',
    'uffd-user',
    'uffd-kernel',
  ] as const),
];

/** As in `frostbite list` (a test keeps the two in sync): the start of some workloads acts on existing processes. */
export function gapUse(workload: string): GapUse {
  const has = (names: readonly WorkloadName[]): boolean => (names as readonly string[]).includes(workload);
  return has(never) ? 'never' : has(bare) ? 'bare' : 'any';
}

export const workloadNames = Object.keys(workloads) as readonly WorkloadName[];
