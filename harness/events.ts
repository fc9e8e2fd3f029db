import type { Cell } from './plan/cell.ts';
import type { TrialRecord } from './record/schema.ts';

/** Everything that happens in a run, in order; `run.ts` prints nothing, listeners do. */
export type RunEvent =
  | {
      readonly kind: 'run-started';
      readonly run: string;
      readonly dir: string;
      readonly cells: readonly Cell[];
      /** Trials the whole matrix asks for, at most when `sampled`, and those already finished by the run that is resumed. */
      readonly trials: number;
      readonly finished: number;
      /** Whether cells are measured until their rates are known. */
      readonly sampled: boolean;
      readonly jobs: number;
      /** How machines are emulated, e.g. `tcg, thread=multi, QEMU 10.0.2`. */
      readonly lab: string;
    }
  /** Something slow that is not a machine: a download, a build. */
  | { readonly kind: 'preparing'; readonly what: string }
  | { readonly kind: 'prepared'; readonly what: string; readonly ms: number }
  /** The kernel that a distro's machines boot, where that is known before they do. */
  | {
      readonly kind: 'kernel-known';
      readonly distro: string;
      readonly name: string;
      readonly sha256: string;
    }
  /** A distro whose kernel could not be had: its cells are not measured, the others go on. */
  | { readonly kind: 'distro-failed'; readonly distro: string; readonly error: Error }
  | { readonly kind: 'machine-booting'; readonly machine: string; readonly distro: string }
  /** A slow step of a machine's boot, reboot or snapshot: once when it begins, and once when it has ended, with its time. */
  | {
      readonly kind: 'machine-step';
      readonly machine: string;
      /** E.g. `reboot for v1`. */
      readonly what: string;
      /** Null: it begins. */
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
  /** It has done its share and is taken down. */
  | { readonly kind: 'machine-done'; readonly machine: string; readonly distro: string }
  | { readonly kind: 'trial-finished'; readonly record: TrialRecord }
  /** So many trials of a cell are not needed: its rate is known. */
  | { readonly kind: 'trials-saved'; readonly cell: Cell; readonly trials: number }
  /** No more trials of these cells are run, for one reason; `cell-finished` of each comes when its machines know. */
  | { readonly kind: 'cells-given-up'; readonly cells: readonly Cell[]; readonly reason: string }
  /** All trials of a cell are in, or it was given up (`reason`). */
  | { readonly kind: 'cell-finished'; readonly cell: Cell; readonly reason: string | null }
  | { readonly kind: 'warning'; readonly text: string }
  | { readonly kind: 'run-finished'; readonly run: string; readonly dir: string; readonly ms: number };

export type Listener = (event: RunEvent) => void;
