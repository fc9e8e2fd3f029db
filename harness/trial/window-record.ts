import { z } from 'zod';
import { factSchema } from '../lab/kernel.ts';
import { stuckSchema } from './protocol.ts';

/** What is kept of a window with its trial's record. */
export const windowSchema = z.object({
  phase: z.string(),
  facts: z.array(factSchema),
  /** Stops, starts, resets and ends of a virtual machine, and whether frostline asked for them. */
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
  /** What the host gave its vCPUs, all together: time on a CPU, and time they waited for one; absent where that is not known. */
  host: z.object({ ranUs: z.int().nonnegative(), waitedUs: z.int().nonnegative() }).optional(),
});
export type WindowRecord = z.infer<typeof windowSchema>;
