import type { Cell } from './plan/cell.ts';
import type { TrialRecord } from './record/schema.ts';

/** Everything that happens in a run, in order. `run.ts` prints nothing; listeners do. */
export type RunEvent =
  | {
      readonly kind: 'run-started';
      readonly run: string;
      readonly dir: string;
      readonly cells: readonly Cell[];
      /** Trials in the whole matrix; the maximum if `sampled`. */
      readonly trials: number;
      /** Trials that are not to be run: finished by the run that is resumed, or no longer needed. */
      readonly finished: number;
      /** Whether cells are measured until their rates are known precisely enough. */
      readonly sampled: boolean;
      readonly jobs: number;
      /** How machines are emulated, e.g. `tcg, thread=multi, QEMU 10.0.2`. */
      readonly lab: string;
    }
  /** Slow work other than a machine's: a download, a build. */
  | { readonly kind: 'preparing'; readonly what: string }
  | { readonly kind: 'prepared'; readonly what: string; readonly ms: number }
  /** The kernel that a distro's machines boot, if it is known before they boot. */
  | {
      readonly kind: 'kernel-known';
      readonly distro: string;
      readonly name: string;
      readonly sha256: string;
    }
  /** A distro that cannot be booted: its cells are not measured; the other distros go on. */
  | { readonly kind: 'distro-failed'; readonly distro: string; readonly error: Error }
  | { readonly kind: 'machine-booting'; readonly machine: string; readonly distro: string }
  /** A slow step of a machine's boot, reboot or snapshot: emitted once when it begins and once when it has ended. */
  | {
      readonly kind: 'machine-step';
      readonly machine: string;
      /** E.g. `reboot for v1`. */
      readonly what: string;
      /** How long the step took; null when it begins. */
      readonly ms: number | null;
    }
  | {
      readonly kind: 'machine-ready';
      readonly machine: string;
      readonly distro: string;
      readonly release: string;
      readonly ms: number;
    }
  | {
      readonly kind: 'machine-lost';
      readonly machine: string;
      readonly distro: string;
      readonly reason: string;
      /** Whether a fresh machine takes over its remaining trials. */
      readonly replaced: boolean;
    }
  /** The machine has finished its assignment and is shut down. */
  | { readonly kind: 'machine-done'; readonly machine: string; readonly distro: string }
  | { readonly kind: 'trial-finished'; readonly record: TrialRecord }
  /** This many trials of a cell are not needed, because its rate is known precisely enough. */
  | { readonly kind: 'trials-saved'; readonly cell: Cell; readonly trials: number }
  /** No more trials of these cells are run; `cell-finished` of each follows once its machines have been told. */
  | { readonly kind: 'cells-given-up'; readonly cells: readonly Cell[]; readonly reason: string }
  /** All trials of a cell are done, or it was given up (`reason`). */
  | { readonly kind: 'cell-finished'; readonly cell: Cell; readonly reason: string | null }
  | { readonly kind: 'warning'; readonly text: string }
  | { readonly kind: 'run-finished'; readonly run: string; readonly dir: string; readonly ms: number };

export type Listener = (event: RunEvent) => void;
