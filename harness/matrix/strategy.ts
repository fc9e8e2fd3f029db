import type { ToolName } from './tools.ts';

/** Whose system calls to imitate when accessing freezer.state on v1. `own`: as few as possible, as always on v2. */
export const stateCalls = ['own', 'runc', 'containerd', 'criu'] as const;
export type StateCalls = (typeof stateCalls)[number];

/** The steps at which something is due: every k (from 0) with `k mod every` in `at`. */
export interface Schedule {
  readonly at: readonly number[];
  readonly every: number;
}

/**
 * How FROZEN is sought, as frostbite runs it:
 *
 *     write FROZEN (unless the workload itself wrote it last: attach-to-frozen)
 *     for k = 0, 1, 2 ...
 *       when k > 0: thaw and freeze again if `thaw` is due at k, else write FROZEN if `rewrite` is due;
 *                   sleep `pollUs` (or wait for cgroup.events) before that or, by default, after it
 *       sleep `settleUs` if `settle` is due at k
 *       read the state; FROZEN ends it
 *       stop after `attempts` reads or at `deadlineUs`
 *     on failure write THAWED
 *
 * On v2 `rewrite` and `thaw` write 1 and 0 to cgroup.freeze and the state is `frozen` of cgroup.events.
 */
export interface Strategy {
  readonly name: string;
  /** A real program freezes instead; then only `preDump` and `deadlineUs` apply, the latter to each program it runs. */
  readonly tool: ToolName | null;
  /** runc-checkpoint only: make a pre-dump before the dump. */
  readonly preDump: boolean;
  /** Maximum number of reads of the state. */
  readonly attempts: number;
  readonly deadlineUs: number;
  readonly pollUs: number;
  /** Where a step pauses: before its write, as containerd does, or between write and read, as CRIU does. */
  readonly pollBefore: 'write' | 'read';
  /** `events` waits for the kernel's notification on cgroup.events instead of polling; v2 only. */
  readonly wait: 'poll' | 'events';
  /** The system calls take most of the time of a step, and so determine how many steps fit in a second. */
  readonly calls: StateCalls;
  readonly rewrite: Schedule | null;
  readonly thaw: Schedule | null;
  /** Time between writing THAWED and writing FROZEN again, when `thaw` is due. */
  readonly thawForUs: number;
  readonly settle: Schedule | null;
  readonly settleUs: number;
}
