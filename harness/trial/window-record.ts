import { z } from 'zod';
import { factSchema } from '../lab/kernel.ts';
import { stuckSchema } from './protocol.ts';

/** The part of a `Window` that is kept in the trial's record. */
export const windowSchema = z.object({
  phase: z.string(),
  facts: z.array(factSchema),
  /** Stops, starts, resets and shutdowns of a virtual machine, and whether frostline requested them. */
  changes: z
    .array(
      z.object({
        event: z.string(),
        isOurs: z.boolean(),
        detail: z.string().nullable(),
        us: z.int().nonnegative(),
      }),
    )
    .optional(),
  stuck: stuckSchema.optional(),
  /** Host time of all its vCPUs together: time on a CPU, and time waiting for one; absent if unknown. */
  host: z.object({ ranUs: z.int().nonnegative(), waitedUs: z.int().nonnegative() }).optional(),
});
export type WindowRecord = z.infer<typeof windowSchema>;
