/**
 * The workloads that frostbite has, as `frostbite list` names them (a test holds the two equal), with
 * what each leaves in the group.
 */
export const workloads = {
  sleep: 'a process in nanosleep: the control',
  spin: 'a busy loop in user mode',
  sigstop: 'a process stopped by SIGSTOP',
  'ptrace-stop': 'a process held in a ptrace stop by a tracer outside the group',
  'vfork-parent': 'a vfork parent in D, waiting for a child that sleeps',
  'fork-storm': 'endless fork and exit',
  'thread-storm': 'endless pthread_create and join',
  'vfork-exec-storm': 'four processes in endless vfork, exec and wait',
  'mt-exec-storm': 'a process of 8 threads that re-execs itself for ever',
  'mt-exec-once': 'threads and one exec at a random moment, as runc init does',
  'fuse-unanswered': 'a client in D behind a FUSE request that is read and never answered',
  'fsfreeze-write': 'a writer in D behind a frozen ext4 (FIFREEZE)',
} as const;

export type WorkloadName = keyof typeof workloads;
export const workloadNames = Object.keys(workloads) as readonly WorkloadName[];
