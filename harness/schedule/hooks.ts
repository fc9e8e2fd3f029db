import type { Machine } from '../lab/machine.ts';
import type { CgroupVersion } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import type { TrialOutcome } from '../trial/experiment.ts';
import type { Ledger } from './ledger.ts';
import type { Task } from '../trial/task.ts';

/** Cores of the host that are held for trials of a cell. */
export interface Turn extends Disposable {
  /** Whether the next trial of the cell can use this turn, too. */
  goesOn(): boolean;
  /** The trial will only wait for the next `ms`. */
  quiet(ms: number): void;
}

/** What a shift requests and reports. */
export interface ShiftHooks {
  /**
   * Boots the next machine once the host has room for it. It then calls `begin`, which returns the cgroup setup of the
   * first trial, or null if the machine is no longer needed: resolves to null then. Rejects if it does not come up.
   */
  readonly boot: (begin: () => CgroupVersion | null) => Promise<Machine | null>;
  /** Waits until the host has room for a trial; its result is disposed after the trial. Rejects on abort. */
  readonly turn?: (task: Task, machine: Machine) => Promise<Turn>;
  /** Waits until the host has room to shut a machine down; its result is disposed afterwards. Does not reject. */
  readonly end?: (machine: Machine) => Promise<Disposable>;
  readonly onTrial: (task: Task, outcome: TrialOutcome, machine: Machine) => void;
  /** A trial, or its tool, failed. Nothing else runs on the machine until this settles. Does not reject. */
  readonly onFailed: (task: Task, outcome: TrialOutcome, machine: Machine) => Promise<void>;
  /** A machine was lost; `replaced`: there is work left, for which the machine is renewed or another one booted. */
  readonly onLost: (machine: Machine, reason: string, replaced: boolean) => void;
  /** A machine has finished its assignment and is shut down. */
  readonly onDone: (machine: Machine) => void;
  /** The same machine continues: rebooted for another cgroup setup, or restored from its snapshot. */
  readonly onAgain: (machine: Machine) => void;
  /** A machine did not come up; `replaced`: there is work left, for which another one is booted. */
  readonly onBootFailed: (error: unknown, replaced: boolean) => void;
  /** Whether a cell needs no more trials. */
  readonly isEnough: (cell: Cell) => boolean;
  /** The remaining tasks of a cell in this shift are not needed. */
  readonly onEnough: (cell: Cell, tasks: number) => void;
  /** The shift gives up these cells. Called before `onSkipped` of each, but not for cells that the ledger gives up. */
  readonly onGivenUp: (cells: readonly Cell[], reason: string) => void;
  /** The remaining tasks of a cell in this shift will not be run. */
  readonly onSkipped: (cell: Cell, tasks: number, reason: string) => void;
  /** The failures of all shifts of the run, and what is given up because of them. */
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}
