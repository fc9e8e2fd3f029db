import { z } from 'zod';

/** `clone`: the boot id that a clone generated for itself. `failed`: why the machine was booted instead. */
const templateFactsSchema = z.object({ clone: z.string().nullable(), failed: z.string().nullable() });

/**
 * The machine a trial ran on, as its record describes it. `boot` is the guest kernel's boot id
 * (/proc/sys/kernel/random/boot_id); for a clone it is the id of its template, which was booted once for all its
 * clones. Trials of one boot are a cluster, not independent.
 */
export const machineFactsSchema = z.object({
  id: z.string(),
  boot: z.string(),
  driver: z.string(),
  accel: z.enum(['kvm', 'tcg']).nullable(),
  /** QEMU's TCG thread mode; null where it does not apply. */
  threads: z.enum(['single', 'multi']).nullable(),
  qemu: z.string().nullable(),
  cpu: z.string().nullable(),
  memoryMiB: z.int().positive().nullable(),
  /** The guest's root as the matrix names it; null: frostline's own. */
  userland: z.string().nullable(),
  /** The name of an existing host; null: a machine that frostline made, or this host. */
  host: z.string().nullable(),
  /** The box or disk image that the machine was made from, as the matrix names it. */
  image: z.string().nullable(),
  /** Present if the machine was to start from a template, absent if it was to be booted. */
  template: templateFactsSchema.optional(),
});
export type MachineFacts = z.infer<typeof machineFactsSchema>;
