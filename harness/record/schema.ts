import { z } from 'zod';
import { machineFactsSchema } from '../lab/facts.ts';
import { cgroupVersions } from '../matrix/matrix.ts';
import { outcomes } from '../trial/outcome.ts';
import {
  blockerSchema,
  parametersSchema,
  stepResultSchema,
  thawSchema,
  toolSchema,
} from '../trial/protocol.ts';
import { windowSchema } from '../trial/window-record.ts';

/** The version of the record format; readers reject versions they do not know. */
export const recordSchemaVersion = 1;

/** The guest as it described itself. */
const guestSchema = z.object({
  release: z.string(),
  cgroup: z.enum(cgroupVersions),
  cpus: z.int().positive(),
  /** The container runtime and its version, e.g. `runc 1.1.15`; null without one. */
  runtime: z.string().nullable(),
});

/** One trial: one line of `records.ndjson`. */
export const recordSchema = z.object({
  schema: z.literal(recordSchemaVersion),
  run: z.string(),
  cell: z.string(),
  trial: z.int().nonnegative(),
  seed: z.int().nonnegative(),
  /** ISO instant at which the record was made. */
  at: z.string(),
  outcome: z.enum(outcomes),
  reason: z.string().nullable(),
  frozenUs: z.int().nonnegative().nullable(),
  writes: z.int().nonnegative(),
  reads: z.int().nonnegative(),
  thaws: z.int().nonnegative(),
  states: z.array(z.tuple([z.int().nonnegative(), z.string()])),
  thaw: thawSchema.nullable(),
  blockers: z.array(blockerSchema),
  /** The result of the program that was to freeze; null for a loop of frostbite's own. */
  tool: toolSchema.nullable(),
  /** The parameters of its workload: those it was given and its own. */
  parameters: parametersSchema.optional(),
  /** For a sequence: the steps that were executed, in order from 0. */
  steps: z.array(stepResultSchema).optional(),
  /** Further observations of the trial; records of older versions of frostline have none. */
  window: windowSchema.optional(),
  /** Wall time of the trial as measured by the harness, and `guestUs`, the part spent in the guest. */
  wallUs: z.int().nonnegative(),
  guestUs: z.int().nonnegative().nullable(),
  /** Null when the machine was lost before its hello message. */
  guest: guestSchema.nullable(),
  machine: machineFactsSchema,
});
export type TrialRecord = z.infer<typeof recordSchema>;
