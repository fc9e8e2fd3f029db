import { z } from 'zod';

/** The boot id that a clone drew for itself; else why the machine was booted after all. */
const templateFactsSchema = z.object({ clone: z.string().nullable(), failed: z.string().nullable() });

/**
 * What a record says of the machine a trial ran on. `boot` is the guest kernel's boot id
 * (/proc/sys/kernel/random/boot_id), of a clone the id of its template, which was booted once for all of them:
 * trials of one boot are a cluster, not independent.
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
  /** The name of a host that was there before; null: a machine of frostline's, or this one. */
  host: z.string().nullable(),
  /** The box or the disk image with the distro it was made from, as the matrix names it. */
  image: z.string().nullable(),
  /** Where it was to start from a template: see there. Absent: it was to be booted. */
  template: templateFactsSchema.optional(),
});
export type MachineFacts = z.infer<typeof machineFactsSchema>;
