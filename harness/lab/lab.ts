import type { CgroupVersion, Way } from '../matrix/matrix.ts';
import type { Machine } from './machine.ts';

/** What a driver needs to know about its run. */
export interface LabContext {
  /** The run's id; it labels everything the driver makes. */
  readonly run: string;
  /** Existing folder for the machines' console logs; it is kept with the run. */
  readonly consoles: string;
  /** Whether this host's own kernel may be measured, which freezes cgroups on it. */
  readonly allowLocal: boolean;
  readonly signal: AbortSignal;
  readonly onWarning: (text: string) => void;
  /** Called with a description before slow work (a download); the function it returns is called after the work. */
  readonly onPreparing: (what: string) => () => void;
  /** Called before a slow step of a machine (`reboot for v1`); the function it returns is called after the step. */
  readonly onStep: (machine: string, what: string) => () => void;
}

export interface BootRequest<W extends Way = Way> {
  /** Unique in the run, e.g. `m3`. */
  readonly id: string;
  readonly way: W;
  /** Start from the template (a saved boot) with this number, if the driver has templates. */
  readonly template?: number;
  /** The cgroup set-up of its first trial: a hint for a driver that can boot straight into it. */
  readonly cgroup?: CgroupVersion;
  readonly signal: AbortSignal;
}

/** Identifies the kernel that machines boot. */
export interface Origin {
  /** Package and version, or the path. */
  readonly name: string;
  /** SHA-256 of its image, in hex. */
  readonly sha256: string;
  /** The file with its configuration; null if it came without one. */
  readonly config: string | null;
}

/** A driver, opened for one run. */
export interface Lab<W extends Way = Way> {
  /** How machines are made here, e.g. `QEMU 10.0.13, tcg, thread=multi`. */
  readonly description: string;
  /** Whether its machines can start from templates. */
  readonly hasTemplates?: boolean;
  /** Memory that one machine takes on this host, in MiB; for a clone, only what it does not share with its template. */
  memoryOf(way: W, isClone: boolean): number;
  /** Fetches and builds what its machines boot from. Rejects ('kernel') when that fails. */
  prepare(way: W): Promise<void>;
  /** The kernel of a prepared way, if it comes from outside the machine. */
  origin?(way: W): Promise<Origin>;
  /** Boots a machine and waits until it answers. Rejects ('machine') when it does not, and leaves nothing behind. */
  boot(request: BootRequest<W>): Promise<Machine>;
}

/** How the labs of one kind are opened: one entry of the registry in drivers.ts. */
export type OpenLab<W extends Way> = (context: LabContext) => Promise<Lab<W>>;
