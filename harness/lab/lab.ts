import type { Way } from '../matrix/matrix.ts';
import type { Machine } from './machine.ts';

/** What a driver needs to know of the run it works for. */
export interface LabContext {
  /** The run's id, a label on everything it makes. */
  readonly run: string;
  /** Folder for the machines' console logs, kept with the run. */
  readonly consoles: string;
  readonly signal: AbortSignal;
  readonly onWarning: (text: string) => void;
  /** Called before something slow (a download), with what it is; the function it gives is called after. */
  readonly onPreparing: (what: string) => () => void;
}

export interface BootRequest {
  /** Unique in the run, e.g. `m3`. */
  readonly id: string;
  readonly way: Way;
  readonly signal: AbortSignal;
}

/** A driver at work for one run. */
export interface Lab {
  /** How machines are made here, e.g. `QEMU 10.0.13, tcg, thread=multi`. */
  readonly description: string;
  /** Memory that one machine takes on this host, MiB. */
  memoryOf(way: Way): number;
  /** Fetches and builds what its machines boot from. Rejects ('kernel') when it cannot be had. */
  prepare(way: Way): Promise<void>;
  /** Boots a machine and waits until it answers. Rejects ('machine') when it does not; leaves nothing behind. */
  boot(request: BootRequest): Promise<Machine>;
}

/** How the labs of one kind are opened: one entry of the registry in drivers.ts. */
export type OpenLab = (context: LabContext) => Promise<Lab>;
