import { z } from 'zod';
import { thawOutcomes } from './outcome.ts';

/**
 * The protocol with the guest program `frostbite serve`.
 *
 * To the guest: a trial is `key=value` lines ended by an empty line. From the guest: one JSON object a
 * line. `hello` comes first, `beat` at least once a second from a process of its own for as long as
 * user space is scheduled at all, `start` and `result` once for each trial, in order.
 */

const microseconds = z.int().nonnegative();

/** A task of the group, or of one below it, that was not in the refrigerator when the strategy gave up. */
export const blockerSchema = z.object({
  pid: z.int(),
  comm: z.string(),
  /** One letter of `/proc/PID/stat`: R, S, D, T, t, Z, X, I. */
  state: z.string().length(1),
  /** Kernel function the task sleeps in, `/proc/PID/wchan`; `0` when running or hidden. */
  wchan: z.string(),
  /** Top of `/proc/PID/syscall`: the number of the system call, -1 in none, null when unreadable. */
  syscall: z.int().nullable(),
  /** Kernel functions, innermost first, from `/proc/PID/stack`; empty when unreadable. */
  stack: z.array(z.string()),
  /** The read of stack and system call did not end: it waits for the task itself, as before 5.10 behind an exec. */
  unread: z.literal(true).optional(),
  /** Of one whose stack is unread: other threads of its process that have a SIGKILL pending. */
  killedThreads: z.int().nonnegative().optional(),
  /** The group below the trial's own that it is in, as a path from there: it keeps that one from FROZEN, too. */
  group: z.string().optional(),
});
export type Blocker = z.infer<typeof blockerSchema>;

/** The thread of frostbite that does a trial, when it has been in one place of the kernel for `us`: a blocker of its own. */
export const stuckSchema = blockerSchema.extend({
  us: microseconds,
  /** The file that its system call is of, where it is one and can be read. */
  file: z.string().optional(),
});
export type Stuck = z.infer<typeof stuckSchema>;

/** What the thaw did. */
export const thawSchema = z.object({
  outcome: z.enum(thawOutcomes),
  /**
   * From THAWED to the last workload process running again: from where frostbite writes it, or first reads it while a tool
   * resumes. Where the workload's cause had to be ended besides, from that end on: neither a tool's start nor our own
   * clean-up is in it.
   */
  us: microseconds.nullable(),
  /** Processes that died unmeant or whose counter never moved again. */
  casualties: z.int().nonnegative(),
});

const hello = z.object({
  ev: z.literal('hello'),
  version: z.string(),
  release: z.string(),
  arch: z.string(),
  cpus: z.int().positive(),
  boot: z.string(),
  /** Where the hierarchies are mounted; null when the kernel has none or it is not mounted. */
  v1: z.string().nullable(),
  v2: z.string().nullable(),
});
export type Hello = z.infer<typeof hello>;

const beat = z.object({
  ev: z.literal('beat'),
  us: microseconds,
  trial: z.int().nullable(),
  phase: z.string(),
  /** For so long the strategy will do nothing but read the state, which has been FREEZING for a while. */
  quietUs: microseconds.optional(),
  stuck: stuckSchema.optional(),
});

/** The group of a trial that was asked to keep it is as the strategy left it, until there is input again. */
const kept = z.object({ ev: z.literal('kept'), trial: z.int(), frozen: z.boolean(), group: z.string() });
export type Kept = z.infer<typeof kept>;

/** Of a group that did not freeze: the tasks in the way, `us` after its strategy gave up. */
const look = z.object({
  ev: z.literal('look'),
  trial: z.int(),
  us: microseconds,
  blockers: z.array(blockerSchema),
});
export type Look = Omit<z.infer<typeof look>, 'ev' | 'trial'>;

/** `kernelUs`: when the kernel's log was last written to, on its own clock; absent where it cannot be read. */
const start = z.object({ ev: z.literal('start'), trial: z.int(), kernelUs: microseconds.optional() });

/** What a real program that was to freeze made of it. */
export const toolSchema = z.object({
  name: z.string(),
  /** Program and version, e.g. `criu 4.1.1`; empty when it did not say. */
  version: z.string(),
  /** Exit code of the program that ended it; 128 + signal; null when its deadline ended it. */
  code: z.int().nonnegative().nullable(),
  /** Whether it did all it was to do: a dump or checkpoint can fail though the group froze. */
  ok: z.boolean(),
  /** From its start to its end. */
  us: microseconds,
  error: z.string().nullable(),
});

/** A part of a log of a tool that failed; the parts of one name follow one another. */
const log = z.object({
  ev: z.literal('log'),
  trial: z.int(),
  name: z.string().regex(/^[a-z][a-z-]{0,30}\.log$/),
  text: z.string(),
});

/** A step of a sequence that was played; they come in order, from 0. */
export const stepResultSchema = z.object({
  step: z.int().nonnegative(),
  ok: z.boolean(),
  us: microseconds,
  /** Of a step that failed: its verb and name, what was to be seen and what was. */
  what: z.string().optional(),
  expected: z.string().optional(),
  found: z.string().optional(),
});
export type StepResult = z.infer<typeof stepResultSchema>;

/** Parameters of a workload, by name. */
export const parametersSchema = z.record(z.string(), z.union([z.int().nonnegative(), z.string()]));

const result = z.object({
  ev: z.literal('result'),
  trial: z.int(),
  /** `error`: frostbite could not set the trial up; ours, never the kernel's. */
  outcome: z.enum(['frozen', 'not-frozen', 'false-frozen', 'passed', 'failed', 'unsupported', 'error']),
  /** Why, for `unsupported` and `error`; what moved, for `false-frozen`. */
  reason: z.string().nullable(),
  /** From just before the first write of FROZEN (or 1) to the read that said FROZEN. */
  frozenUs: microseconds.nullable(),
  writes: z.int().nonnegative(),
  reads: z.int().nonnegative(),
  thaws: z.int().nonnegative(),
  /** [microseconds since the first write, state] at each change of state that was read; 64 at most. */
  states: z.array(z.tuple([microseconds, z.string()])),
  thaw: thawSchema.nullable(),
  blockers: z.array(blockerSchema),
  /** Null when the strategy is a loop of frostbite's own. */
  tool: toolSchema.nullable(),
  /** The program that made the container, and its version; null without one. */
  runtime: z.string().nullable(),
  /** What the workload was told, and what it was by itself; absent where nothing was measured. */
  parameters: parametersSchema.optional(),
  /** Of a sequence; a step that could not be played for want of a feature is not told. */
  steps: z.array(stepResultSchema).optional(),
  /** What the kernel said in the trial that tells of trouble: lines of its log, the first of them. */
  kernel: z.array(z.string()).optional(),
  /** False when a task could not be released or the group not removed: the machine must go. */
  reusable: z.boolean(),
  /** Whole time spent in the guest for this trial. */
  guestUs: microseconds,
});
export type GuestResult = z.infer<typeof result>;

export const guestEventSchema = z.discriminatedUnion('ev', [hello, beat, start, kept, look, log, result]);
export type GuestEvent = z.infer<typeof guestEventSchema>;
