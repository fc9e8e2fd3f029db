import type { AxisName } from './axes.ts';
import type { Bound } from './expectation.ts';
import type { Sequence } from './sequence.ts';
import type { Strategy } from './strategy.ts';

/**
 * What a cell freezes with, and what container runtimes find in /sys/fs/cgroup: the v1 `freezer` controller,
 * v2's `cgroup.freeze`, or v1's with a v2 hierarchy beside it, as systemd's hybrid set-up has it.
 */
export const cgroupVersions = ['v1', 'v2', 'hybrid'] as const;
export type CgroupVersion = (typeof cgroupVersions)[number];

/** The freezer of a cgroup set-up. */
export const freezerOf = (cgroup: CgroupVersion): 'v1' | 'v2' => (cgroup === 'v2' ? 'v2' : 'v1');

/** What the workload runs in. `none` is a bare cgroup; `-userns` a container with a user namespace. */
export const runtimes = ['none', 'runc', 'runc-userns', 'crun', 'crun-userns', 'podman'] as const;
export type Runtime = (typeof runtimes)[number];

/** Where a kernel comes from; parsed from the matrix's `kernel:` text. */
export type KernelSource =
  /** `deb:SUITE[/PACKAGE-GLOB[=VERSION]]`: newest match in that Debian suite, or the pinned version. */
  | {
      readonly kind: 'deb';
      readonly text: string;
      readonly suite: string;
      readonly package: string | null;
      readonly version: string | null;
    }
  /** `path:BZIMAGE[,modules=FOLDER]`: absolute, or relative to the matrix file (resolved by the loader). */
  | {
      readonly kind: 'path';
      readonly text: string;
      readonly image: string;
      readonly modules: string | null;
    }
  /** `rpm:` or `url:`, then `PLACE[,sha256=HEX]`, several joined by ` + `: the packages a kernel is in. */
  | { readonly kind: 'rpm' | 'url'; readonly text: string; readonly parts: readonly KernelPart[] };

/** A package, or with `url:` a bzImage. */
export interface KernelPart {
  /** An http or https URL, or a path: absolute, or relative to the matrix file (resolved by the loader). */
  readonly place: string;
  readonly isUrl: boolean;
  /** Of its bytes, in hex; a URL has one. */
  readonly sha256: string | null;
}

/** Where the programs of the guest come from: `deb:SUITE`. */
export interface UserlandSource {
  readonly kind: 'deb';
  readonly text: string;
  readonly suite: string;
}

/** Microseconds, both included. */
export interface StartGap {
  readonly fromUs: number;
  readonly toUs: number;
}

/** A strategy can differ by hierarchy, as runc's does, or exist on one only. */
export type StrategyForms = Readonly<Partial<Record<CgroupVersion, Strategy>>>;

/** A kernel that QEMU boots on frostline's own root, or on a userland. */
export interface KernelWay {
  readonly driver: 'qemu';
  readonly kernel: KernelSource;
  /** With runc, crun, podman and CRIU; null: frostline's own small root, which has none. */
  readonly userland: UserlandSource | null;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Further kernel arguments, appended to the driver's own. */
  readonly cmdline: string | null;
}

/** A host or VM that is there already; frostline is a guest on it, and never takes it down. */
export interface SshWay {
  readonly driver: 'ssh';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The file of the private key, absolute; null: the agent of SSH_AUTH_SOCK has it. */
  readonly key: string | null;
  /** The key the host must answer with, `TYPE BASE64`; null: the one in the user's known_hosts. */
  readonly hostKey: string | null;
  readonly sudo: boolean;
}

/** This machine's own kernel. */
export interface LocalWay {
  readonly driver: 'local';
}

/** Providers of Vagrant that frostline's Vagrantfile knows. */
export const vagrantProviders = ['libvirt', 'virtualbox', 'vmware_desktop', 'qemu'] as const;
export type VagrantProvider = (typeof vagrantProviders)[number];

/** A disk image with a whole distro on it. */
export interface ImageSource {
  readonly text: string;
  /** As of a KernelPart. */
  readonly place: string;
  readonly isUrl: boolean;
  readonly sha256: string | null;
}

/** A cloud image that QEMU boots: `driver: qemu` with `image` in place of `kernel`. */
export interface ImageWay {
  readonly driver: 'image';
  readonly image: ImageSource;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Further kernel arguments, which its own boot loader is given. */
  readonly cmdline: string | null;
  readonly install: readonly BoxTool[];
}

/** Tools that a box or a cloud image can get from its own distro. */
export const boxTools = ['runc', 'crun', 'criu', 'podman'] as const;
export type BoxTool = (typeof boxTools)[number];

/** A box of Vagrant: a whole distro with its own kernel and boot. */
export interface VagrantWay {
  readonly driver: 'vagrant';
  /** A name of a box registry, an absolute path, or `frostline/SUITE`: built here from Debian's packages. */
  readonly box: string;
  readonly boxVersion: string | null;
  readonly provider: VagrantProvider;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly cmdline: string | null;
  readonly install: readonly BoxTool[];
}

/** One way to a machine. */
export type Way = KernelWay | ImageWay | SshWay | LocalWay | VagrantWay;

/** Whether its machines have the container tools of their own distro, or of a userland. */
export const hasUserland = (way: Way): boolean => way.driver !== 'qemu' || way.userland !== null;

/** A distro to measure: the first of its ways that can be had on this host is taken. */
export interface Distro {
  readonly ways: readonly [Way, ...Way[]];
}

/** Names on any of the axes; a cell matches when it agrees on every axis named. */
export interface Selector {
  readonly distro?: readonly string[];
  readonly cgroup?: readonly CgroupVersion[];
  readonly runtime?: readonly Runtime[];
  /** Workloads and sequences. */
  readonly workload?: readonly string[];
  readonly strategy?: readonly string[];
}

/** Cells that differ in one name on an axis alone, to be held against each other. */
export interface Contrast {
  readonly axis: AxisName;
  readonly from: string;
  readonly to: string;
}

/** What the cells of `where` must keep to, e.g. a rate `>= 0.99`. */
export interface Expectation extends Bound {
  readonly where: Selector;
}

/** A cell is measured until the bounds of its rate are at most twice `halfWidth` apart. */
export interface Sampling {
  /** Trials of each cell at least. */
  readonly min: number;
  /** From 0 to 1. */
  readonly halfWidth: number;
}

/** A loaded matrix: defaults filled in, names resolved, checked as a whole. */
export interface Matrix {
  readonly name: string;
  /** Trials for each cell; with `sampling` at most. */
  readonly trials: number;
  /** Null: every cell has as many. */
  readonly sampling: Sampling | null;
  /** Separate boots that the trials of a cell, with `sampling` those of a round, are spread over. */
  readonly machines: number;
  /** Whether each cell has fresh machines, started from saved ones where the driver can; else they share booted ones. */
  readonly templates: boolean;
  readonly seed: number;
  /** The freeze comes at a random moment this long after the workload's start; null: once it is in its state. */
  readonly startGap: StartGap | null;
  readonly distros: ReadonlyMap<string, Distro>;
  readonly cgroups: readonly CgroupVersion[];
  readonly runtimes: readonly Runtime[];
  /** Workloads and variants of them, by name: see `variantName`. */
  readonly workloads: readonly string[];
  /** By name; a combination with a cgroup version for which a strategy has no form is left out of the plan. */
  readonly strategies: ReadonlyMap<string, StrategyForms>;
  /** Their cells have no runtime, and `steps` in place of a strategy. */
  readonly sequences: ReadonlyMap<string, Sequence>;
  readonly exclude: readonly Selector[];
  readonly expect: readonly Expectation[];
  readonly contrasts: readonly Contrast[];
  /** The text it was loaded from, kept for run.json. */
  readonly text: string;
}
