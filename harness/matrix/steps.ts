import { z } from 'zod';
import { durationPattern, parseDuration } from './duration.ts';

/**
 * The steps of a sequence. Each has one verb, whose value is what it acts on, and details:
 *
 *     - group: a/b                                  make a group (cgroup), here within `a`
 *     - start: p, in: a, as: tick, count: 100       start processes, which enter the group themselves
 *     - move: p, to: b                              write their pids to cgroup.procs
 *     - freeze: a                                   one write of FROZEN (v1) or 1 (v2); `thaw` likewise
 *     - write: FREEZING, in: a, fails: EINVAL       write any text to the state file; expect that errno
 *     - stop: p                                     SIGSTOP; `cont`, `kill`, `term` likewise; also to a group
 *     - seize: p                                    ptrace(2); then `interrupt`, `siginfo`, `detach`
 *     - sleep: 1s                                   only where it matters that time passes
 *     - remove: a/b                                 rmdir(2)
 *     - expect: a, state: FROZEN, within: 10s       what must be observed; at once without `within`
 */
export const verbs = {
  group: { names: 'new group', details: ['fails'], needs: [], what: 'Make a group; a/b is one within a' },
  remove: { names: 'group', details: ['within', 'fails'], needs: [], what: 'Remove a group' },
  start: {
    names: 'new process',
    details: ['in', 'as', 'count', 'for'],
    needs: ['as'],
    what: 'Start processes, in a group or outside of any',
  },
  move: { names: 'process', details: ['to', 'fails'], needs: ['to'], what: 'Move processes into a group' },
  freeze: { names: 'group', details: ['fails'], needs: [], what: 'Write FROZEN (v1) or 1 (v2), once' },
  thaw: { names: 'group', details: ['fails'], needs: [], what: 'Write THAWED (v1) or 0 (v2), once' },
  write: { names: 'text', details: ['in', 'fails'], needs: ['in'], what: 'Write a text to the state file' },
  stop: { names: 'any', details: [], needs: [], what: 'SIGSTOP to a process or to all of a group' },
  cont: { names: 'any', details: [], needs: [], what: 'SIGCONT to a process or to all of a group' },
  kill: { names: 'any', details: [], needs: [], what: 'SIGKILL to a process or to all of a group' },
  term: { names: 'any', details: [], needs: [], what: 'SIGTERM to a process or to all of a group' },
  seize: { names: 'process', details: ['fails'], needs: [], what: 'PTRACE_SEIZE from outside the groups' },
  interrupt: {
    names: 'process',
    details: ['within', 'fails'],
    needs: [],
    what: 'PTRACE_INTERRUPT, and wait for the stop',
  },
  siginfo: { names: 'process', details: ['fails'], needs: [], what: 'PTRACE_GETSIGINFO' },
  detach: { names: 'process', details: ['fails'], needs: [], what: 'PTRACE_DETACH' },
  sleep: { names: 'time', details: [], needs: [], what: 'Let time pass' },
  expect: {
    names: 'any',
    details: [
      ...['state', 'notifications', 'self', 'parent', 'processes', 'frozenTime', 'frozenFor', 'longerThan'],
      ...['letter', 'gone', 'runs', 'within'],
    ],
    needs: [],
    what: 'What has to be seen of a group or a process',
  },
} as const satisfies Record<string, VerbRule>;

interface VerbRule {
  /** What the verb's value is. */
  readonly names: 'new group' | 'group' | 'new process' | 'process' | 'any' | 'text' | 'time';
  readonly details: readonly string[];
  readonly needs: readonly string[];
  readonly what: string;
}

export type Verb = keyof typeof verbs;
export const verbNames = Object.keys(verbs) as readonly Verb[];

/** Details of an expectation that apply only to a group, or only to a process. */
export const groupDetails = [
  ...['state', 'notifications', 'self', 'parent', 'processes', 'frozenTime', 'frozenFor', 'longerThan'],
] as const;
export const processDetails = ['letter', 'gone', 'runs'] as const;

/** The kinds of process that frostbite can start in a sequence. */
export const processKinds = ['tick', 'spin', 'nap', 'forkbomb', 'vfork', 'self-freeze'] as const;

/** The most steps that frostbite accepts. */
export const maxSteps = 64;
const errors = ['EINVAL', 'EBUSY', 'EIO', 'EPERM', 'EACCES', 'ESRCH', 'EEXIST', 'ENOENT'] as const;
const named = /^(?=.{1,40}$)[a-z][a-z0-9-]*(\/[a-z][a-z0-9-]*)*$/;
const name = z
  .string()
  .regex(named, 'a name of lower-case letters, digits and dashes, or a/b of such, 40 at most');
const spanText = 'a duration from 1us to 60s, such as 10s or 100ms';
const span = z
  .string({ error: ({ input }) => (input === null ? undefined : spanText) })
  .regex(durationPattern, { error: spanText, abort: true })
  .refine((text) => parseDuration(text) >= 1 && parseDuration(text) <= 60_000_000, { error: spanText });
const bit = z.int().min(0).max(1);
const text = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,40}$/, 'a word of at most 40 letters, digits, dashes and underscores');

const verbShapes = Object.fromEntries(
  verbNames.map((verb) => {
    const { names, what } = verbs[verb];
    const shape = names === 'time' ? span : names === 'text' ? text : name;
    return [verb, shape.optional().describe(what)];
  }),
) as Record<Verb, z.ZodOptional<z.ZodString>>;

const details = {
  in: name.optional().describe('The group'),
  to: name.optional().describe('The group'),
  as: z
    .enum(processKinds)
    .optional()
    .describe(
      'tick: runs every millisecond; spin: runs always; nap: one sleep of `for`, then ends; forkbomb: a tree of forks ' +
        'without end; vfork: a parent in D and its child; self-freeze: freezes its own group',
    ),
  count: z.int().min(1).max(200).optional().describe('How many; 1 by default'),
  for: span.optional().describe('How long a nap is'),
  fails: z.enum(errors).optional().describe('The errno that is right; without it the step has to succeed'),
  state: z
    .enum(['THAWED', 'FREEZING', 'FROZEN'])
    .optional()
    .describe('FROZEN: and none of its processes runs'),
  notifications: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe('v2: wait for as many of cgroup.events at most'),
  self: bit.optional().describe('freezer.self_freezing (v1) or cgroup.freeze (v2)'),
  parent: bit.optional().describe('freezer.parent_freezing (v1)'),
  processes: z.int().min(0).max(10_000).optional().describe('How many tasks it has'),
  frozenTime: z
    .enum(['zero', 'grown', 'same'])
    .optional()
    .describe('frozen_usec of cgroup.stat.local (v2), against when it was last looked at'),
  frozenFor: span.optional().describe('frozen_usec at least'),
  longerThan: name.optional().describe('A group whose frozen_usec, read after this one, is less'),
  letter: z
    .array(z.enum(['R', 'S', 'D', 'T', 't', 'I', 'Z']))
    .min(1)
    .max(6)
    .optional()
    .describe('State letters in /proc/PID/stat that are right'),
  gone: z.boolean().optional().describe('Whether it has ended'),
  runs: z.boolean().optional().describe('Whether its counter moves'),
  within: span.optional().describe('How long may pass until it is so'),
};
export type Detail = keyof typeof details;

export const stepSchema = z.strictObject({ ...verbShapes, ...details });
export type RawStep = z.infer<typeof stepSchema>;
