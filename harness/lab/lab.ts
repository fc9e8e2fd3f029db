import type { CgroupVersion, Way } from '../matrix/matrix.ts';
import type { Machine } from './machine.ts';

/** What a driver needs to know of the run it works for. */
export interface LabContext {
  /** The run's id, a label on everything it makes. */
  readonly run: string;
  /** Folder for the machines' console logs, which is there; it is kept with the run. */
  readonly consoles: string;
  /** Whether this machine's own kernel may be measured, which freezes groups of it. */
  readonly allowLocal: boolean;
  readonly signal: AbortSignal;
  readonly onWarning: (text: string) => void;
  /** Called before something slow (a download), with what it is; the function it gives is called after. */
  readonly onPreparing: (what: string) => () => void;
  /** Called before a slow step of a machine (`reboot for v1`); the function it gives is called after. */
  readonly onStep: (machine: string, what: string) => () => void;
}

export interface BootRequest<W extends Way = Way> {
  /** Unique in the run, e.g. `m3`. */
  readonly id: string;
  readonly way: W;
  /** Start from the template of this number, one boot that is saved, where the driver has templates. */
  readonly template?: number;
  /** The set-up that its first trial wants: a hint, for a driver that can boot straight into it. */
  readonly cgroup?: CgroupVersion;
  readonly signal: AbortSignal;
}

/** Which kernel it is that machines boot. */
export interface Origin {
  /** Package and version, or the path. */
  readonly name: string;
  /** SHA-256 of its image, in hex. */
  readonly sha256: string;
  /** The file of its configuration, where it came with one. */
  readonly config: string | null;
}

/** A driver at work for one run. */
export interface Lab<W extends Way = Way> {
  /** How machines are made here, e.g. `QEMU 10.0.13, tcg, thread=multi`. */
  readonly description: string;
  /** Whether its machines can start from templates. */
  readonly hasTemplates?: boolean;
  /** Memory that one machine takes on this host, MiB; of a clone what it does not share with its template. */
  memoryOf(way: W, isClone: boolean): number;
  /** Fetches and builds what its machines boot from. Rejects ('kernel') when it cannot be had. */
  prepare(way: W): Promise<void>;
  /** The kernel of a way that was prepared, where it comes from outside the machine. */
  origin?(way: W): Promise<Origin>;
  /** Boots a machine and waits until it answers. Rejects ('machine') when it does not; leaves nothing behind. */
  boot(request: BootRequest<W>): Promise<Machine>;
}

/** How the labs of one kind are opened: one entry of the registry in drivers.ts. */
export type OpenLab<W extends Way> = (context: LabContext) => Promise<Lab<W>>;
