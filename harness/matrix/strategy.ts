import type { ToolName } from './tools.ts';

/** Whose system calls reach freezer.state on v1: `own` are the fewest that do; on v2 all use those. */
export const stateCalls = ['own', 'runc', 'containerd', 'criu'] as const;
export type StateCalls = (typeof stateCalls)[number];

/** Steps at which something is done: at every k (from 0) with `k mod every` in `at`. */
export interface Schedule {
  readonly at: readonly number[];
  readonly every: number;
}

/**
 * How FROZEN is sought, as frostbite runs it:
 *
 *     write FROZEN (unless the workload was the last to write it: attach-to-frozen)
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
  /** A real program does it instead: of the rest only `deadlineUs` counts, for each program that is run. */
  readonly tool: ToolName | null;
  /** runc-checkpoint: with a pre-dump before the dump. */
  readonly preDump: boolean;
  /** Reads of the state at most. */
  readonly attempts: number;
  readonly deadlineUs: number;
  readonly pollUs: number;
  /** Where the pause of a step is: before its write, as containerd has it, or between write and read, as CRIU does. */
  readonly pollBefore: 'write' | 'read';
  /** `events` waits for the kernel's notification on cgroup.events instead of polling; v2 only. */
  readonly wait: 'poll' | 'events';
  /** Their cost is the greater part of what a step costs, and so of how many there are in a second. */
  readonly calls: StateCalls;
  readonly rewrite: Schedule | null;
  readonly thaw: Schedule | null;
  /** Time between THAWED and the next FROZEN of a thaw. */
  readonly thawForUs: number;
  readonly settle: Schedule | null;
  readonly settleUs: number;
}
