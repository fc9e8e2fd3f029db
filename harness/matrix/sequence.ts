import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { cgroupVersions, type CgroupVersion } from './matrix.ts';
import { maxSteps, stepSchema, verbNames, verbs, type Detail, type RawStep, type Verb } from './steps.ts';

/** A step that has been checked. */
export interface Step {
  readonly verb: Verb;
  /** The name of a group or process, the text of a write, or the microseconds of a sleep. */
  readonly name: string;
  readonly details: readonly (readonly [Detail, string | number])[];
  /** Microseconds that the step may take by its own definition. */
  readonly mayTakeUs: number;
}

/** A test written as steps, from a known suite or our own. In its cells it takes the place of the workload. */
export interface Sequence {
  readonly cgroups: readonly CgroupVersion[];
  readonly steps: readonly Step[];
}

/** The name on the strategy axis in the cells of sequences. */
export const stepsStrategy = 'steps';

export const sequenceSchema = z.strictObject({
  about: z.string().max(1000).optional().describe('Where it comes from, and what it shows'),
  cgroups: z
    .array(z.enum(cgroupVersions))
    .min(1)
    .optional()
    .describe('Freezers that it is for; those of the matrix by default'),
  steps: z.array(stepSchema).min(1).max(maxSteps).describe('What is done and seen, one after another'),
});
export type RawSequence = z.infer<typeof sequenceSchema>;

/** Resolves a valid sequence of a matrix with these cgroups. */
export function resolveSequence(raw: RawSequence, cgroups: readonly CgroupVersion[]): Sequence {
  const own = raw.cgroups;
  return {
    cgroups: own === undefined ? cgroups : cgroups.filter((cgroup) => own.includes(cgroup)),
    steps: raw.steps.map(toStep),
  };
}

const durations: ReadonlySet<string> = new Set(['for', 'frozenFor', 'within']);
/** The longest waits built into frostbite: for processes to start, and for a ptrace stop. */
const ownWaitUs: Partial<Record<Verb, number>> = { start: 10_000_000, interrupt: 10_000_000 };

function toStep(raw: RawStep): Step {
  const verb = verbNames.find((one) => raw[one] !== undefined)!;
  const name = verbs[verb].names === 'time' ? String(parseDuration(raw[verb]!)) : raw[verb]!;
  const details = verbs[verb].details.flatMap((key): [Detail, string | number][] => {
    const value = raw[key];
    return value === undefined ? [] : [[key, plain(key, value)]];
  });
  const within = raw.within === undefined ? 0 : parseDuration(raw.within);
  const mayTakeUs = within + (ownWaitUs[verb] ?? 0) + (verb === 'sleep' ? Number(name) : 0);
  return { verb, name, details, mayTakeUs };
}

function plain(detail: Detail, value: string | number | boolean | readonly string[]): string | number {
  if (typeof value === 'string') return durations.has(detail) ? parseDuration(value) : value;
  if (typeof value === 'object') return value.join(',');
  return Number(value);
}
