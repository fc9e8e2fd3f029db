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

/** The number of the record format; a reader refuses numbers it does not know. */
export const recordSchemaVersion = 1;

/** The guest as it reported itself. */
const guestSchema = z.object({
  release: z.string(),
  cgroup: z.enum(cgroupVersions),
  cpus: z.int().positive(),
  /** What made the container, and its version, e.g. `runc 1.1.15`; null without one. */
  runtime: z.string().nullable(),
});

/** One trial, one line of `records.ndjson`. */
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
  /** What the program that was to freeze made of it; null for a loop of frostbite's own. */
  tool: toolSchema.nullable(),
  /** What its workload was told, and what it was by itself. */
  parameters: parametersSchema.optional(),
  /** Of a sequence: the steps that were played, in order from 0. */
  steps: z.array(stepResultSchema).optional(),
  /** What else was seen of it; records of an older frostline have none. */
  window: windowSchema.optional(),
  /** Wall time of the trial seen from the harness, and the part the guest spent in it. */
  wallUs: z.int().nonnegative(),
  guestUs: z.int().nonnegative().nullable(),
  /** Null when the machine was lost before it said hello. */
  guest: guestSchema.nullable(),
  machine: machineFactsSchema,
});
export type TrialRecord = z.infer<typeof recordSchema>;
