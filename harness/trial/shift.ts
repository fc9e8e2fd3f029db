import { sentence } from '../errors.ts';
import type { Machine } from '../lab/machine.ts';
import type { Cell } from '../plan/cell.ts';
import { runTrial, type TrialOutcome } from './experiment.ts';
import { isFinal } from './outcome.ts';
import type { TrialRequest } from './request.ts';
import type { SequenceRequest } from './sequence.ts';
import { Session } from './session.ts';

/** One trial of a cell, ready to run. */
export interface Task {
  readonly cell: Cell;
  readonly request: TrialRequest | SequenceRequest;
}

/** What a shift asks for and tells. */
export interface ShiftHooks {
  /** Boots the next machine. Rejects when it does not come up. */
  readonly boot: () => Promise<Machine>;
  readonly onTrial: (task: Task, outcome: TrialOutcome, machine: Machine) => void;
  /** A machine was given up; a fresh one follows when there is work left (`replaced`). */
  readonly onLost: (machine: Machine, reason: string, replaced: boolean) => void;
  /** A machine has done its share and is taken down. */
  readonly onDone: (machine: Machine) => void;
  readonly onBootFailed: (error: unknown) => void;
  /** The rest of a cell's tasks in this shift will not be run. */
  readonly onSkipped: (cell: Cell, tasks: number, reason: string) => void;
  readonly signal: AbortSignal;
}

/** A machine that does not boot, a trial that only gives lab errors, a cell that crashes: how often at most. */
const limits = { boots: 3, labErrors: 3, crashes: 3 };

/**
 * Works off tasks in order on one machine after another: a machine is used until it is lost or its
 * workload could not be released, then a fresh one takes over. A lab error is tried again on a fresh
 * machine. Rejects only on abort; every machine is down when it settles.
 */
export async function workShift(tasks: readonly Task[], hooks: ShiftHooks): Promise<void> {
  const queue = new Queue(tasks, hooks);
  for (let failed = 0; !queue.isEmpty;) {
    hooks.signal.throwIfAborted();
    try {
      await using machine = await hooks.boot();
      await using session = await Session.open(machine, hooks.signal);
      failed = 0;
      await useMachine({ machine, session }, queue, hooks);
    } catch (error) {
      hooks.signal.throwIfAborted();
      hooks.onBootFailed(error);
      failed++;
      if (failed >= limits.boots) queue.drop(() => true, sentence(error));
    }
  }
}

/** Runs tasks on one machine until none is left or the machine must go. */
async function useMachine(
  on: { readonly machine: Machine; readonly session: Session },
  queue: Queue,
  hooks: ShiftHooks,
): Promise<void> {
  for (let task = queue.next; task !== undefined; task = queue.next) {
    const outcome = await runTrial(on, task.request, hooks.signal);
    hooks.onTrial(task, outcome, on.machine);
    queue.settle(task, outcome);
    if (!outcome.reusable || outcome.outcome === 'lab-error') {
      const reason = outcome.reason ?? `the group of ${task.cell.workload} could not be removed`;
      hooks.onLost(on.machine, reason, !queue.isEmpty);
      return;
    }
  }
  hooks.onDone(on.machine);
}

/** What is left to do, and how often each thing has failed. */
class Queue {
  #tasks: Task[];
  readonly #hooks: ShiftHooks;
  readonly #labErrors = new Map<Task, number>();
  readonly #crashes = new Map<string, number>();

  constructor(tasks: readonly Task[], hooks: ShiftHooks) {
    this.#tasks = [...tasks];
    this.#hooks = hooks;
  }

  get isEmpty(): boolean {
    return this.#tasks.length === 0;
  }

  get next(): Task | undefined {
    return this.#tasks[0];
  }

  /** Takes a finished task off; gives up its cell when that has failed too often or is unsupported. */
  settle(task: Task, { outcome, reason }: TrialOutcome): void {
    const sameCell = (other: Task): boolean => other.cell.id === task.cell.id;
    if (isFinal(outcome)) this.#tasks.shift();
    if (outcome === 'unsupported') this.drop(sameCell, reason ?? 'unsupported');
    if (outcome === 'lab-error' && count(this.#labErrors, task) >= limits.labErrors) {
      this.drop(sameCell, `given up after ${limits.labErrors} lab errors: ${reason ?? ''}`);
    }
    if (
      (outcome === 'kernel-crash' || outcome === 'kernel-hang') &&
      count(this.#crashes, task.cell.id) >= limits.crashes
    ) {
      this.drop(sameCell, `given up after ${limits.crashes} crashes: ${reason ?? ''}`);
    }
  }

  drop(which: (task: Task) => boolean, reason: string): void {
    const dropped = this.#tasks.filter(which);
    this.#tasks = this.#tasks.filter((task) => !which(task));
    for (const cell of new Set(dropped.map((task) => task.cell))) {
      this.#hooks.onSkipped(cell, dropped.filter((task) => task.cell === cell).length, reason);
    }
  }
}

function count<K>(of: Map<K, number>, key: K): number {
  const next = (of.get(key) ?? 0) + 1;
  of.set(key, next);
  return next;
}
