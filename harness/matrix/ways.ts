import { z } from 'zod';
import type { KernelWay, Way } from './matrix.ts';
import { kernelPattern, kernelText, parseKernel, parseUserland } from './source.ts';
import { userlandSuites } from './suites.ts';
import { text } from './text.ts';

/** What all virtual machines have. */
const virtual = {
  cpus: z.int().min(1).max(16).optional().describe('Virtual CPUs; 2 by default'),
  memory: z.int().min(128).max(65_536).optional().describe('Memory in MiB; 512 by default'),
  cmdline: z
    .string()
    .max(1000)
    .regex(/^[\x20-\x7e]*$/, 'printable ASCII')
    .optional()
    .describe('Further kernel arguments'),
};

const kernelWay = z.strictObject({
  driver: z.literal('qemu').describe('How its machines are made'),
  kernel: text(kernelPattern, kernelText).describe(kernelText),
  userland: z
    .enum(userlandSuites.map((suite) => `deb:${suite}` as const))
    .optional()
    .describe('Where its runc, crun, podman and CRIU come from; without it there are none'),
  ...virtual,
});

/** One way to a machine of a distro. */
const waySchema = z.discriminatedUnion('driver', [kernelWay]);

const several = z.strictObject({
  ways: z
    .array(waySchema)
    .min(1)
    .describe('Several ways to its machines: the first that can be had on this host is taken'),
});

/** An entry of `distros`: one way to its machines, or `ways`, a list of them. */
export const distroSchema = z.union([waySchema, several]);

export type RawWay = z.infer<typeof waySchema>;
export type RawDistro = z.infer<typeof distroSchema>;

/** The ways of an entry, each with its path below the entry. */
export const waysOf = (raw: RawDistro): { readonly path: readonly PropertyKey[]; readonly way: RawWay }[] =>
  'ways' in raw ? raw.ways.map((way, i) => ({ path: ['ways', i], way })) : [{ path: [], way: raw }];

/** The keys that a way may have. */
export const wayKeys = (): readonly string[] => Object.keys(kernelWay.shape);
/** The keys that an entry of `distros` may have. */
export const distroKeys = (): readonly string[] => [...wayKeys(), ...Object.keys(several.shape)];
/** What `driver` may be. */
export const driverNames = ['qemu'] as const;

/** A way with its defaults filled in; paths are taken relative to `folder`. */
export function resolveWay(raw: RawWay, folder: string): Way {
  return resolveKernelWay(raw, folder);
}

function resolveKernelWay(raw: RawWay, folder: string): KernelWay {
  const { driver, kernel, userland, cpus = 2, memory = 512, cmdline = null } = raw;
  const from = userland === undefined ? null : parseUserland(userland);
  return { driver, kernel: parseKernel(kernel, folder), userland: from, cpus, memoryMiB: memory, cmdline };
}

/** A way for people: its driver and what it boots. */
export const wayWords = ({ driver, kernel }: Way): string => `${driver}, ${kernel.text}`;
