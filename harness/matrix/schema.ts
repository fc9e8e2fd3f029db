import { z } from 'zod';
import { durationPattern, parseDuration } from './duration.ts';
import { axisNames } from './axes.ts';
import { boundsShape, expectsSomething, expectsSomethingText } from './expectation.ts';
import { gapPattern, maxGapUs, parseGap } from './gap.ts';
import { cgroupVersions, runtimes } from './matrix.ts';
import { presetNames } from './presets.ts';
import { sequenceSchema } from './sequence.ts';
import { stepSchema } from './steps.ts';
import { stateCalls } from './strategy.ts';
import { text } from './text.ts';
import { toolNames } from './tools.ts';
import { cpuCount, distroKeys, distroSchema, wayKeys } from './ways.ts';
import { knownParameters, loadValues, variantPattern, workloadEntry } from './variants.ts';

/** Names end up in paths, cell ids and command lines, so they are restricted. */
export const namePattern = /^[a-z0-9][a-z0-9._+-]{0,63}$/;
/** The longest time that frostbite accepts, in microseconds: an hour. */
const maxUs = 3_600_000_000;

const durationText = 'a duration with its unit, such as 10s, 100ms or 10us';
const durationFrom = (minUs: number, min: string): z.ZodString =>
  text(durationPattern, durationText).refine(
    (value) => parseDuration(value) >= minUs && parseDuration(value) <= maxUs,
    { error: `a duration from ${min} to 60m` },
  );
const gapText = 'a range of at most 10 s, such as 0..60ms';
const pause = durationFrom(0, '0us');
const limit = durationFrom(1000, '1ms');

/** `namePattern` in words. */
export const nameExpected =
  'a name of at most 64 lower-case letters, digits, dots, dashes, plus and underscores';
const name = z.string().regex(namePattern, nameExpected);
const variant = z.string().regex(variantPattern, nameExpected);
const axis = <T extends z.ZodType>(of: T): z.ZodArray<T> => z.array(of).min(1);
const step = z.int().min(0).max(100_000);
const every = z.int().min(1).max(100_000);

const strategy = z.strictObject({
  preset: z.enum(presetNames).optional().describe('The loop of a known tool, which the other keys change'),
  tool: z.enum(toolNames).optional().describe('A real program of the userland in place of a loop'),
  preDump: z.boolean().optional().describe('runc-checkpoint: pre-dump first'),
  attempts: z.int().min(1).max(10_000_000).optional().describe('Reads of the state at most'),
  poll: pause.optional().describe('Pause before each further read'),
  pollBefore: z
    .enum(['write', 'read'])
    .optional()
    .describe(
      'Where a step has that pause: before what it writes, or between that and the read; read by default',
    ),
  wait: z.enum(['poll', 'events']).optional().describe('events: wait for cgroup.events (v2 only)'),
  calls: z
    .enum(stateCalls)
    .optional()
    .describe("Whose system calls reach freezer.state on v1; the preset's by default, or own: the fewest"),
  rewriteEvery: every.optional().describe('Write FROZEN again at every n-th read'),
  rewriteAt: axis(step).optional().describe('Write FROZEN again at these steps of `cycle`'),
  thawEvery: every.optional().describe('Thaw and freeze again at every n-th read'),
  thawAt: axis(step).optional().describe('Thaw and freeze again at these steps of `cycle`'),
  cycle: every.optional().describe('Number of steps after which rewriteAt and thawAt begin again'),
  thawFor: pause.optional().describe('How long such a thaw lasts'),
  settle: pause.optional().describe('Pause between writing and reading back'),
  settleEvery: every.optional().describe('At every n-th read; at each by default'),
  deadline: limit.optional().describe('Give up after this time; wins over the deadline of the matrix'),
});

const count = z.int().min(1).max(100_000);
const sampling = z.strictObject({
  min: count.describe('Trials of each cell at least, and of its first round'),
  max: count.describe('Trials of each cell at most'),
  halfWidth: z
    .number()
    .min(0.01)
    .max(0.5)
    .describe(
      'A cell is done once the bounds of its rate (a confidence sequence) are at most twice this apart',
    ),
});

const one = <T extends z.ZodType>(of: T): z.ZodUnion<[T, z.ZodArray<T>]> => z.union([of, axis(of)]);
const selector = {
  distro: one(variant).optional().describe('Names of `distros`; all by default'),
  cgroup: one(z.enum(cgroupVersions)).optional().describe('Some of `cgroups`; all by default'),
  runtime: one(z.enum(runtimes)).optional().describe('Some of `runtimes`; all by default'),
  workload: one(variant).optional().describe('Some of `workloads` and names of `sequences`; all by default'),
  strategy: one(name).optional().describe('Names of `strategies`; all by default'),
};

/** The schema of a matrix file, before defaults are filled in and names are resolved. */
export const matrixSchema = z
  .strictObject({
    name: name.describe('Part of the name of each run'),
    trials: z
      .union([count, sampling])
      .optional()
      .describe('Trials for each cell, 20 by default; or until its rate is known well enough'),
    machines: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe(
        'Separate boots that the trials of a cell, or of a round of them, are spread over; 4 by default. Trials in one boot are not independent.',
      ),
    templates: z
      .boolean()
      .optional()
      .describe(
        'true: a fresh machine for each cell on each of the `machines` boots, which are saved and started from again (QEMU with `kernel:`). false by default: the cells share machines that are booted for this run.',
      ),
    deadline: limit.optional().describe("For each freeze; 10s by default. Replaces a preset's own"),
    seed: z
      .int()
      .min(0)
      .max(0xffff_ffff)
      .optional()
      .describe('All random choices follow from it; 1 by default'),
    startGap: text(gapPattern, gapText)
      .refine(
        (value) => {
          const { fromUs, toUs } = parseGap(value);
          return fromUs <= toUs && toUs <= maxGapUs;
        },
        { error: gapText },
      )
      .optional()
      .describe(
        'The freeze comes at a random moment this long after the start of the workload, whatever state it is in; without it, once it is in its state.',
      ),
    distros: z.record(name, distroSchema).describe('Kernels to boot, by name'),
    cgroups: axis(z.enum(cgroupVersions)).describe('Freezers to use'),
    runtimes: axis(z.enum(runtimes))
      .optional()
      .describe('What the workload runs in; none (a bare cgroup) by default'),
    workloads: axis(workloadEntry)
      .optional()
      .describe('What runs in the group that is frozen: a name, or a name with its parameters'),
    cpus: one(cpuCount)
      .optional()
      .describe("Virtual CPUs of each distro's machines; those of the distro itself by default"),
    load: one(loadValues)
      .optional()
      .describe('Busy processes outside the group, for each workload; 0 by default'),
    strategies: z.record(name, strategy).optional().describe('How FROZEN is sought, by name'),
    sequences: z
      .record(name, sequenceSchema)
      .optional()
      .describe('Tests as steps, by name, beside or in place of workloads and strategies'),
    exclude: z.array(z.strictObject(selector)).optional().describe('Combinations to leave out'),
    expect: z
      .array(
        z
          .strictObject({ ...selector, ...boundsShape })
          .refine(expectsSomething, { error: expectsSomethingText }),
      )
      .optional()
      .describe('What cells must keep to; judged by 95 % intervals'),
    contrasts: z
      .array(
        z.strictObject({
          axis: z.enum(axisNames).describe('The axis on which the two differ'),
          from: variant.describe('A name on it'),
          to: variant.describe('Another, whose rate is given as so much above or below'),
        }),
      )
      .optional()
      .describe('Cells to hold against each other: the difference of their rates, its interval and p-value'),
  })
  .describe('A frostline matrix');

export type RawMatrix = z.infer<typeof matrixSchema>;
export type RawStrategy = z.infer<typeof strategy>;
export type RawSelector = RawMatrix['exclude'] extends (infer T)[] | undefined ? T : never;

/** The keys that the schema knows at a path; `driver` is that of the way there, if any. */
export function knownKeys(path: readonly PropertyKey[], driver?: unknown): readonly string[] {
  const { strategies, exclude, expect, contrasts } = matrixSchema.shape;
  if (path[0] === 'workloads') return knownParameters(path);
  if (path[0] === 'distros') return path.length > 2 ? wayKeys(driver) : distroKeys(driver);
  const inner: Readonly<Record<PropertyKey, object>> = {
    trials: sampling.shape,
    strategies: strategies.unwrap().valueType.shape,
    sequences: path.length > 2 ? stepSchema.shape : sequenceSchema.shape,
    exclude: exclude.unwrap().element.shape,
    expect: expect.unwrap().element.shape,
    contrasts: contrasts.unwrap().element.shape,
  };
  return Object.keys(inner[path[0] ?? ''] ?? matrixSchema.shape);
}

/** The schema as JSON Schema (draft 2020-12), for editors; checked in as matrices/schema.json. */
export function toJsonSchema(): string {
  const schema = z.toJSONSchema(matrixSchema, { io: 'input' });
  return `${JSON.stringify({ title: 'frostline matrix', ...schema }, null, 2)}\n`;
}
