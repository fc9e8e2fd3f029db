import type { Machine } from '../lab/machine.ts';
import type { CgroupVersion } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import type { TrialOutcome } from '../trial/experiment.ts';
import type { Ledger } from './ledger.ts';
import type { Task } from '../trial/task.ts';

/** What trials of a cell have of the host. */
export interface Turn extends Disposable {
  /** Whether the next trial of the cell can have it, too. */
  goesOn(): boolean;
  /** The trial will only wait for `ms`. */
  quiet(ms: number): void;
}

/** What a shift asks for and tells. */
export interface ShiftHooks {
  /**
   * Boots the next machine once the host has room for it, and `begin` says that it is still wanted, with the set-up of its
   * first trial; null when it is not. Rejects when it does not come up.
   */
  readonly boot: (begin: () => CgroupVersion | null) => Promise<Machine | null>;
  /** Waits until the host has room for a trial; what it resolves to is disposed after it. Rejects on abort. */
  readonly turn?: (task: Task, machine: Machine) => Promise<Turn>;
  /** Waits until the host has room for the end of a machine; disposed after it. Does not reject. */
  readonly end?: (machine: Machine) => Promise<Disposable>;
  readonly onTrial: (task: Task, outcome: TrialOutcome, machine: Machine) => void;
  /** A trial, or its tool, did not come out well: told with its machine, which is left alone until this settles. Does not reject. */
  readonly onFailed: (task: Task, outcome: TrialOutcome, machine: Machine) => Promise<void>;
  /** A machine was given up; a fresh one follows when there is work left (`replaced`). */
  readonly onLost: (machine: Machine, reason: string, replaced: boolean) => void;
  /** A machine has done its share and is taken down. */
  readonly onDone: (machine: Machine) => void;
  /** The same machine goes on: rebooted for another cgroup set-up, or brought back from its snapshot. */
  readonly onAgain: (machine: Machine) => void;
  /** A machine did not come up; another is booted when there is work left (`replaced`). */
  readonly onBootFailed: (error: unknown, replaced: boolean) => void;
  /** Whether a cell needs no more trials. */
  readonly isEnough: (cell: Cell) => boolean;
  /** The rest of a cell's tasks in this shift is not needed. */
  readonly onEnough: (cell: Cell, tasks: number) => void;
  /** The rest of these cells' tasks in this shift will not be run; told before `onSkipped` of each, and not of what the ledger gives up. */
  readonly onGivenUp: (cells: readonly Cell[], reason: string) => void;
  /** The rest of a cell's tasks in this shift will not be run. */
  readonly onSkipped: (cell: Cell, tasks: number, reason: string) => void;
  /** What all shifts of a run have failed at, and what is given up for it. */
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}
