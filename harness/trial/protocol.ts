import { z } from 'zod';
import { thawOutcomes } from './outcome.ts';

/**
 * The protocol with the guest program `frostbite serve`.
 *
 * To the guest: a trial is `key=value` lines ended by an empty line. From the guest: one JSON object per
 * line. `hello` comes first. `beat` comes at least once a second, from a separate process, for as long as
 * user space is scheduled at all. `start` and `result` come once per trial, in order.
 */

const microseconds = z.int().nonnegative();

/** A task of the group, or of a descendant, that was not in the refrigerator when the strategy gave up. */
export const blockerSchema = z.object({
  pid: z.int(),
  comm: z.string(),
  /** One letter of `/proc/PID/stat`: R, S, D, T, t, Z, X, I. */
  state: z.string().length(1),
  /** Kernel function the task sleeps in, `/proc/PID/wchan`; `0` when running or hidden. */
  wchan: z.string(),
  /** First field of `/proc/PID/syscall`: the system call number; -1 outside of any, null when unreadable. */
  syscall: z.int().nullable(),
  /** Kernel functions, innermost first, from `/proc/PID/stack`; empty when unreadable. */
  stack: z.array(z.string()),
  /** Reading stack and system call blocked, since it waits for the task itself, as behind an exec before Linux 5.10. */
  unread: z.literal(true).optional(),
  /** If `unread`: how many other threads of its process have a SIGKILL pending. */
  killedThreads: z.int().nonnegative().optional(),
  /** The descendant group that it is in, relative to the trial's group; it keeps that one from FROZEN, too. */
  group: z.string().optional(),
});
export type Blocker = z.infer<typeof blockerSchema>;

/** frostbite's own trial thread, if it has been in one place in the kernel for `us`; described like a blocker. */
export const stuckSchema = blockerSchema.extend({
  us: microseconds,
  /** The file that its system call operates on, if there is one and it can be determined. */
  file: z.string().optional(),
});
export type Stuck = z.infer<typeof stuckSchema>;

/** The result of the thaw. */
export const thawSchema = z.object({
  outcome: z.enum(thawOutcomes),
  /**
   * From THAWED until the last workload process runs again. It starts when frostbite writes THAWED, or first reads it
   * while a tool resumes; or later, when what blocks the workload has been removed, if that is necessary. So it
   * includes neither the start of a tool nor frostbite's own cleanup.
   */
  us: microseconds.nullable(),
  /** Number of processes that died unintentionally or whose counter never moved again. */
  casualties: z.int().nonnegative(),
});

const hello = z.object({
  ev: z.literal('hello'),
  version: z.string(),
  release: z.string(),
  arch: z.string(),
  cpus: z.int().positive(),
  boot: z.string(),
  /** Mount points of the hierarchies; null if not supported or not mounted. */
  v1: z.string().nullable(),
  v2: z.string().nullable(),
});
export type Hello = z.infer<typeof hello>;

const beat = z.object({
  ev: z.literal('beat'),
  us: microseconds,
  trial: z.int().nullable(),
  phase: z.string(),
  /** How long the strategy will only read the state, which has been FREEZING for a while. */
  quietUs: microseconds.optional(),
  stuck: stuckSchema.optional(),
});

/** The group of a trial with `keep=1` is as its strategy left it, and stays so until frostbite gets input again. */
const kept = z.object({ ev: z.literal('kept'), trial: z.int(), frozen: z.boolean(), group: z.string() });
export type Kept = z.infer<typeof kept>;

/** The blockers of a group that did not freeze, `us` after its strategy gave up. */
const look = z.object({
  ev: z.literal('look'),
  trial: z.int(),
  us: microseconds,
  blockers: z.array(blockerSchema),
});
export type Look = Omit<z.infer<typeof look>, 'ev' | 'trial'>;

/** `kernelUs`: the timestamp of the last line of the kernel log; absent if the log cannot be read. */
const start = z.object({ ev: z.literal('start'), trial: z.int(), kernelUs: microseconds.optional() });

/** The result of a real program that was to freeze the group. */
export const toolSchema = z.object({
  name: z.string(),
  /** Program and version, e.g. `criu 4.1.1`; empty if unknown. */
  version: z.string(),
  /** Exit code of the last program it ran, 128 + signal if it was killed; null if it ran into its deadline. */
  code: z.int().nonnegative().nullable(),
  /** Whether it completed its job: a dump or checkpoint can fail although the group froze. */
  ok: z.boolean(),
  /** From its start to its end. */
  us: microseconds,
  error: z.string().nullable(),
});

/** A part of a log of a tool that failed; parts with the same name are in order. */
const log = z.object({
  ev: z.literal('log'),
  trial: z.int(),
  name: z.string().regex(/^[a-z][a-z-]{0,30}\.log$/),
  text: z.string(),
});

/** The result of a step of a sequence; they come in order, from 0. */
export const stepResultSchema = z.object({
  step: z.int().nonnegative(),
  ok: z.boolean(),
  us: microseconds,
  /** If the step failed: its verb and name, what was expected, and what was found. */
  what: z.string().optional(),
  expected: z.string().optional(),
  found: z.string().optional(),
});
export type StepResult = z.infer<typeof stepResultSchema>;

/** Values of a workload's parameters, by name. */
export const parametersSchema = z.record(z.string(), z.union([z.int().nonnegative(), z.string()]));

const result = z.object({
  ev: z.literal('result'),
  trial: z.int(),
  /** `error`: frostbite could not set up the trial; our own failure, never the kernel's. */
  outcome: z.enum(['frozen', 'not-frozen', 'false-frozen', 'passed', 'failed', 'unsupported', 'error']),
  /** For `unsupported` and `error`, why; for `false-frozen`, what moved. */
  reason: z.string().nullable(),
  /** From just before the first write of FROZEN (or 1) to the read that said FROZEN. */
  frozenUs: microseconds.nullable(),
  writes: z.int().nonnegative(),
  reads: z.int().nonnegative(),
  thaws: z.int().nonnegative(),
  /** [microseconds since the first write, state] for each change of state that was read; at most 64. */
  states: z.array(z.tuple([microseconds, z.string()])),
  thaw: thawSchema.nullable(),
  blockers: z.array(blockerSchema),
  /** Null if the strategy is a loop of frostbite's own. */
  tool: toolSchema.nullable(),
  /** The program that created the container, and its version; null without a container. */
  runtime: z.string().nullable(),
  /** The workload's parameters, defaults included; absent if nothing was measured. */
  parameters: parametersSchema.optional(),
  /** For a sequence; leaves out a step that needs a feature which the kernel lacks. */
  steps: z.array(stepResultSchema).optional(),
  /** The first lines of the kernel log during the trial that report trouble. */
  kernel: z.array(z.string()).optional(),
  /** False if a task could not be released or the group not removed: the machine is unusable. */
  reusable: z.boolean(),
  /** Total time of this trial in the guest. */
  guestUs: microseconds,
});
export type GuestResult = z.infer<typeof result>;

export const guestEventSchema = z.discriminatedUnion('ev', [hello, beat, start, kept, look, log, result]);
export type GuestEvent = z.infer<typeof guestEventSchema>;
