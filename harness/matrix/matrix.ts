import type { AxisName } from './axes.ts';
import type { Bound } from './expectation.ts';
import type { Sequence } from './sequence.ts';
import type { Strategy } from './strategy.ts';

/**
 * The freezer of a cell, and the hierarchies in /sys/fs/cgroup: the v1 `freezer` controller, v2's `cgroup.freeze`,
 * or the v1 freezer with a v2 hierarchy beside it, as in systemd's hybrid setup.
 */
export const cgroupVersions = ['v1', 'v2', 'hybrid'] as const;
export type CgroupVersion = (typeof cgroupVersions)[number];

/** The freezer that a cgroup setup uses. */
export const freezerOf = (cgroup: CgroupVersion): 'v1' | 'v2' => (cgroup === 'v2' ? 'v2' : 'v1');

/** What the workload runs in. `none` is a bare cgroup; `-userns` means a container with a user namespace. */
export const runtimes = ['none', 'runc', 'runc-userns', 'crun', 'crun-userns', 'podman'] as const;
export type Runtime = (typeof runtimes)[number];

/** Where a kernel comes from; parsed from the matrix's `kernel:` text. */
export type KernelSource =
  /** `deb:SUITE[/PACKAGE-GLOB[=VERSION]]`: the newest match in that Debian suite, or the pinned version. */
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
  /** `rpm:` or `url:`, then one or more `PLACE[,sha256=HEX]`, joined by ` + `: the packages of a kernel. */
  | { readonly kind: 'rpm' | 'url'; readonly text: string; readonly parts: readonly KernelPart[] };

/** A package, or (with `url:`) a bzImage. */
export interface KernelPart {
  /** An http or https URL, or a path: absolute, or relative to the matrix file (resolved by the loader). */
  readonly place: string;
  readonly isUrl: boolean;
  /** SHA-256 of the file, in hex; never null for a URL. */
  readonly sha256: string | null;
}

/** Where the container tools of the guest come from: `deb:SUITE`. */
export interface UserlandSource {
  readonly kind: 'deb';
  readonly text: string;
  readonly suite: string;
}

/** A range in microseconds, both ends included. */
export interface StartGap {
  readonly fromUs: number;
  readonly toUs: number;
}

/** A strategy by cgroup version: it can differ, as runc's does, or exist on some only. */
export type StrategyForms = Readonly<Partial<Record<CgroupVersion, Strategy>>>;

/** A kernel that QEMU boots with frostline's own root file system or a userland. */
export interface KernelWay {
  readonly driver: 'qemu';
  readonly kernel: KernelSource;
  /** Provides runc, crun, podman and CRIU; null: frostline's own small root file system, which has none of them. */
  readonly userland: UserlandSource | null;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Further kernel arguments, appended to the driver's own. */
  readonly cmdline: string | null;
}

/** An existing host or VM, which frostline never shuts down. */
export interface SshWay {
  readonly driver: 'ssh';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Absolute path of the private key; null: use the agent at SSH_AUTH_SOCK. */
  readonly key: string | null;
  /** The expected host key, `TYPE BASE64`; null: the one in the user's known_hosts. */
  readonly hostKey: string | null;
  readonly sudo: boolean;
}

/** The kernel of this host. */
export interface LocalWay {
  readonly driver: 'local';
}

/** Vagrant providers that frostline's Vagrantfile supports. */
export const vagrantProviders = ['libvirt', 'virtualbox', 'vmware_desktop', 'qemu'] as const;
export type VagrantProvider = (typeof vagrantProviders)[number];

/** A disk image with an installed distro. */
export interface ImageSource {
  readonly text: string;
  /** As in `KernelPart`. */
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
  /** Further kernel arguments, set in the image's own boot loader. */
  readonly cmdline: string | null;
  readonly install: readonly BoxTool[];
}

/** Tools that can be installed in a box or a cloud image from its own distro. */
export const boxTools = ['runc', 'crun', 'criu', 'podman'] as const;
export type BoxTool = (typeof boxTools)[number];

/** A Vagrant box: an installed distro with its own kernel and boot loader. */
export interface VagrantWay {
  readonly driver: 'vagrant';
  /** A name in a box registry, an absolute path, or `frostline/SUITE`: built here from Debian's packages. */
  readonly box: string;
  readonly boxVersion: string | null;
  readonly provider: VagrantProvider;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly cmdline: string | null;
  readonly install: readonly BoxTool[];
}

/** One way to get a machine. */
export type Way = KernelWay | ImageWay | SshWay | LocalWay | VagrantWay;

/** Whether its machines can have container tools, from their own distro or from a userland. */
export const hasUserland = (way: Way): boolean => way.driver !== 'qemu' || way.userland !== null;

/** A distro to measure: the first of its ways that is available on this host is used. */
export interface Distro {
  readonly ways: readonly [Way, ...Way[]];
}

/** Names on some of the axes. A cell matches if its name on every axis given is among them. */
export interface Selector {
  readonly distro?: readonly string[];
  readonly cgroup?: readonly CgroupVersion[];
  readonly runtime?: readonly Runtime[];
  /** Workloads and sequences. */
  readonly workload?: readonly string[];
  readonly strategy?: readonly string[];
}

/** Two names on an axis; cells that differ only in these are compared. */
export interface Contrast {
  readonly axis: AxisName;
  readonly from: string;
  readonly to: string;
}

/** A bound that the cells of `where` must meet, e.g. a rate `>= 0.99`. */
export interface Expectation extends Bound {
  readonly where: Selector;
}

/** A cell is measured until the bounds of its rate are no more than twice `halfWidth` apart. */
export interface Sampling {
  /** Minimum number of trials per cell. */
  readonly min: number;
  /** From 0 to 1. */
  readonly halfWidth: number;
}

/** A loaded matrix: defaults filled in, names resolved, checked as a whole. */
export interface Matrix {
  readonly name: string;
  /** Trials per cell; the maximum if there is `sampling`. */
  readonly trials: number;
  /** Null: every cell has the same number of trials. */
  readonly sampling: Sampling | null;
  /** Separate boots over which the trials of a cell (with `sampling`: of a round of it) are spread. */
  readonly machines: number;
  /** Whether each cell gets fresh machines, from templates if the driver has them; else cells share booted machines. */
  readonly templates: boolean;
  readonly seed: number;
  /** How long after the workload's start the freeze comes, at random; null: once the workload is in its state. */
  readonly startGap: StartGap | null;
  readonly distros: ReadonlyMap<string, Distro>;
  readonly cgroups: readonly CgroupVersion[];
  readonly runtimes: readonly Runtime[];
  /** Names of workloads and their variants, see `variantName`. */
  readonly workloads: readonly string[];
  /** By name. The plan leaves out combinations with a cgroup version for which a strategy has no form. */
  readonly strategies: ReadonlyMap<string, StrategyForms>;
  /** By name. Their cells have the runtime `none`, and `steps` in place of a strategy. */
  readonly sequences: ReadonlyMap<string, Sequence>;
  readonly exclude: readonly Selector[];
  readonly expect: readonly Expectation[];
  readonly contrasts: readonly Contrast[];
  /** The text it was loaded from, kept for run.json. */
  readonly text: string;
}
