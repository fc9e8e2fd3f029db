import { z } from 'zod';
import { isAbsolute, resolve } from 'node:path';
import {
  boxTools,
  vagrantProviders,
  type ImageWay,
  type KernelWay,
  type SshWay,
  type VagrantWay,
  type Way,
} from './matrix.ts';
import {
  imagePattern,
  imageText,
  kernelPattern,
  kernelText,
  parseImage,
  parseKernel,
  parseUserland,
} from './source.ts';
import { userlandSuites } from './suites.ts';
import { text } from './text.ts';

/** The default number of virtual CPUs. */
export const ownCpus = 2;

/** The number of virtual CPUs of a machine. */
export const cpuCount = z.int().min(1).max(16);

/** The keys that all virtual machines have. */
const virtual = {
  cpus: cpuCount.optional().describe('Virtual CPUs; 2 by default'),
  memory: z
    .int()
    .min(128)
    .max(65_536)
    .optional()
    .describe('Memory in MiB; 512 by default for a kernel, 1024 for a whole distro'),
  cmdline: z
    .string()
    .max(1000)
    .regex(/^[\x20-\x7e]*$/, 'printable ASCII')
    .optional()
    .describe('Further kernel arguments'),
};

/** What the newest distros need to boot, plus some for containers. */
const wholeMiB = 1024;

const toolsText = "Tools to install from the distro's own packages; what it has already is left alone";
const install = z.array(z.enum(boxTools)).optional().describe(toolsText);

const qemuWay = z.strictObject({
  driver: z.literal('qemu').describe('How its machines are made'),
  kernel: text(kernelPattern, kernelText).optional().describe(kernelText),
  image: text(imagePattern, imageText)
    .optional()
    .describe(`In place of a kernel, a cloud image with a distro and cloud-init: ${imageText}`),
  userland: z
    .enum(userlandSuites.map((suite) => `deb:${suite}` as const))
    .optional()
    .describe('Where its runc, crun, podman and CRIU come from; without it there are none'),
  install,
  ...virtual,
});

const hostPattern = /^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/;
const hostKeyPattern = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( .*)?$/;
const hostKeyText = 'a line as in /etc/ssh/ssh_host_ed25519_key.pub, such as "ssh-ed25519 AAAA..."';

const sshWay = z.strictObject({
  driver: z.literal('ssh').describe('A host that is there already'),
  host: text(hostPattern, 'a host name or an IP address').describe('Its name or address'),
  port: z.int().min(1).max(65_535).optional().describe('22 by default'),
  user: text(/^[a-z_][a-z0-9_.-]{0,31}$/i, 'a user name')
    .optional()
    .describe('root by default'),
  key: z
    .string()
    .min(1)
    .optional()
    .describe('File of the private key; without it the agent of SSH_AUTH_SOCK is asked'),
  hostKey: text(hostKeyPattern, hostKeyText)
    .optional()
    .describe('The key it must answer with; without it the one in ~/.ssh/known_hosts'),
  sudo: z.boolean().optional().describe('Become root by `sudo -n`'),
});

const localWay = z.strictObject({
  driver: z.literal('local').describe("This machine's own kernel, with `run --allow-local`"),
});

const boxPattern = /^[A-Za-z0-9./_][A-Za-z0-9./_+ -]{0,255}$/;
const boxText =
  'a box such as frostline/bookworm (built here), generic/centos7 (of a registry) or ./a.box (a file)';

const vagrantWay = z.strictObject({
  driver: z.literal('vagrant').describe('A box of Vagrant, with the kernel of its distro'),
  box: text(boxPattern, boxText).describe(boxText),
  boxVersion: text(/^[\w.+-]{1,64}$/, 'a version such as "4.3.12"')
    .optional()
    .describe('Of a box of a registry; the newest by default'),
  provider: z.enum(vagrantProviders).optional().describe('libvirt by default'),
  install,
  ...virtual,
});

const shapes = { qemu: qemuWay, ssh: sshWay, local: localWay, vagrant: vagrantWay } as const;

/** One way to get a machine of a distro. */
const waySchema = z.discriminatedUnion('driver', [qemuWay, sshWay, localWay, vagrantWay]);

const several = z.strictObject({
  ways: z
    .array(waySchema)
    .min(1)
    .describe('Several ways to its machines: the first that can be had on this host is taken'),
});

/** An entry of `distros`: one way, or a list of them in `ways`. */
export const distroSchema = z.union([waySchema, several]);

export type RawWay = z.infer<typeof waySchema>;
export type RawDistro = z.infer<typeof distroSchema>;

/** The ways of an entry, each with its path below the entry. */
export const waysOf = (raw: RawDistro): { readonly path: readonly PropertyKey[]; readonly way: RawWay }[] =>
  'ways' in raw ? raw.ways.map((way, i) => ({ path: ['ways', i], way })) : [{ path: [], way: raw }];

const isDriver = (driver: unknown): driver is keyof typeof shapes =>
  typeof driver === 'string' && Object.hasOwn(shapes, driver);

/** The keys that a way of this driver may have; those of all drivers if the driver is unknown. */
export const wayKeys = (driver: unknown): readonly string[] =>
  isDriver(driver)
    ? Object.keys(shapes[driver].shape)
    : [...new Set(Object.values(shapes).flatMap(({ shape }) => Object.keys(shape)))];
/** The keys that an entry of `distros` may have. */
export const distroKeys = (driver: unknown): readonly string[] => [
  ...wayKeys(driver),
  ...Object.keys(several.shape),
];
/** The values of `driver`. */
export const driverNames = Object.keys(shapes);

/** Resolves a way: fills in defaults, and resolves relative paths against `folder`. */
export function resolveWay(raw: RawWay, folder: string): Way {
  switch (raw.driver) {
    case 'qemu':
      return raw.image === undefined ? resolveKernelWay(raw, folder) : resolveImageWay(raw, folder);
    case 'ssh':
      return resolveSshWay(raw, folder);
    case 'local':
      return raw;
    case 'vagrant':
      return resolveVagrantWay(raw, folder);
  }
}

function resolveKernelWay(raw: z.infer<typeof qemuWay>, folder: string): KernelWay {
  const { driver, kernel = '', userland, cpus = ownCpus, memory = 512, cmdline = null } = raw;
  const from = userland === undefined ? null : parseUserland(userland);
  return { driver, kernel: parseKernel(kernel, folder), userland: from, cpus, memoryMiB: memory, cmdline };
}

function resolveImageWay(raw: z.infer<typeof qemuWay>, folder: string): ImageWay {
  const { image = '', cpus = ownCpus, memory = wholeMiB, cmdline = null, install = [] } = raw;
  return { driver: 'image', image: parseImage(image, folder), cpus, memoryMiB: memory, cmdline, install };
}

function resolveSshWay(raw: z.infer<typeof sshWay>, folder: string): SshWay {
  const { driver, host, port = 22, user = 'root', key, hostKey = null, sudo = false } = raw;
  const file = key === undefined ? null : isAbsolute(key) ? key : resolve(folder, key);
  return { driver, host, port, user, key: file, hostKey, sudo };
}

function resolveVagrantWay(raw: z.infer<typeof vagrantWay>, folder: string): VagrantWay {
  const {
    driver,
    provider = 'libvirt',
    cpus = ownCpus,
    memory = wholeMiB,
    cmdline = null,
    install = [],
  } = raw;
  // names in a registry do not end in .box
  const box = raw.box.endsWith('.box') ? resolve(folder, raw.box) : raw.box;
  const { boxVersion = null } = raw;
  return { driver, box, boxVersion, provider, cpus, memoryMiB: memory, cmdline, install };
}

/** A way in words: its driver, and what it boots or where it is. */
export function wayWords(way: Way): string {
  switch (way.driver) {
    case 'qemu':
      return `qemu, ${way.kernel.text}`;
    case 'image':
      return `qemu, ${way.image.text.replace(/,sha256=.*/, '')}`;
    case 'ssh':
      return `ssh, ${way.user}@${way.host}:${way.port}`;
    case 'local':
      return 'local';
    case 'vagrant':
      return `vagrant, ${way.box} with ${way.provider}`;
  }
}
