import { FrostlineError, sentence } from '../errors.ts';
import type { Machine } from '../lab/machine.ts';
import type { CgroupVersion } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { runTrial, type TrialOutcome } from './experiment.ts';
import { isFailure, isFinal } from './outcome.ts';
import type { TrialRequest } from './request.ts';
import type { SequenceRequest } from './sequence.ts';
import { Session } from './session.ts';

/** One trial of a cell, ready to run. */
export interface Task {
  readonly cell: Cell;
  readonly request: TrialRequest | SequenceRequest;
}

/** What trials of a cell have of the host. */
export interface Turn extends Disposable {
  /** Whether the next trial of the cell can have it, too. */
  goesOn(): boolean;
  /** The trial will only wait for `ms`. */
  quiet(ms: number): void;
}

/** What a shift asks for and tells. */
export interface ShiftHooks {
  /** Boots the next machine. Rejects when it does not come up. */
  readonly boot: () => Promise<Machine>;
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
  readonly onBootFailed: (error: unknown) => void;
  /** Whether a cell needs no more trials. */
  readonly isEnough: (cell: Cell) => boolean;
  /** The rest of a cell's tasks in this shift is not needed. */
  readonly onEnough: (cell: Cell, tasks: number) => void;
  /** The rest of a cell's tasks in this shift will not be run. */
  readonly onSkipped: (cell: Cell, tasks: number, reason: string) => void;
  readonly signal: AbortSignal;
}

/** A machine that does not boot, a trial that only gives lab errors, a cell that crashes: how often at most. */
const limits = { boots: 3, labErrors: 3, crashes: 3 };

/**
 * Works off tasks in order on one machine after another: a machine is used until it is lost or its
 * workload could not be released, then it is renewed where it can be, else a fresh one takes over. A lab
 * error is tried again on a fresh machine. Rejects only on abort; every machine is down when it settles.
 */
export async function workShift(tasks: readonly Task[], hooks: ShiftHooks): Promise<void> {
  const queue = new Queue(tasks, hooks);
  for (let failed = 0; !queue.isEmpty;) {
    hooks.signal.throwIfAborted();
    const before = queue.left;
    try {
      const machine = await hooks.boot();
      await using _ = ending(machine, hooks);
      await using bench = new Bench(machine, hooks);
      await useMachine(bench, queue, hooks);
      failed = 0;
    } catch (error) {
      hooks.signal.throwIfAborted();
      hooks.onBootFailed(error);
      failed = queue.left < before ? 1 : failed + 1;
      const { cgroup, why } = error instanceof NoSetUp ? error : { cgroup: undefined, why: error };
      // a kernel that cannot have a set-up will not have it on the next boot either
      const isLasting = cgroup !== undefined && why instanceof FrostlineError && why.code === 'kernel';
      if (!isLasting && failed < limits.boots) continue;
      queue.drop(({ cell }) => cgroup === undefined || cell.cgroup === cgroup, sentence(why));
      failed = 0;
    }
  }
}

/** Takes a machine down when the host has room for it. */
function ending(machine: Machine, { end }: ShiftHooks): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      using _ = await end?.(machine);
      await machine[Symbol.asyncDispose]();
    },
  };
}

/** Runs tasks on one machine until none is left or the machine must go. */
async function useMachine(bench: Bench, queue: Queue, hooks: ShiftHooks): Promise<void> {
  const { machine } = bench;
  using turns = new OneTurn(bench, hooks);
  for (let task = queue.next(); task !== undefined; task = queue.next()) {
    const outcome = await runInTurn(bench, task, { ...hooks, turn: await turns.for(task) });
    queue.settle(task, outcome);
    if (outcome.reusable && outcome.outcome !== 'lab-error') continue;
    const reason = outcome.reason ?? `the group of ${task.cell.workload} could not be removed`;
    hooks.onLost(machine, reason, !queue.isEmpty);
    if (queue.isEmpty || !(await bench.renew())) return;
  }
  hooks.onDone(machine);
}

/** Runs a trial that has its turn; what it left to be asked is asked before anything else runs. */
async function runInTurn(
  bench: Bench,
  task: Task,
  { turn, ...hooks }: Omit<ShiftHooks, 'turn'> & { readonly turn: Turn | undefined },
): Promise<TrialOutcome> {
  const { machine } = bench;
  const session = await bench.ready(task.cell.cgroup);
  const onQuiet = (ms: number): void => turn?.quiet(ms);
  const outcome = await runTrial({ machine, session, onQuiet }, task.request, hooks.signal);
  hooks.onTrial(task, outcome, machine);
  if (isFailure(outcome.outcome) || outcome.logs.size > 0) await hooks.onFailed(task, outcome, machine);
  return outcome;
}

/** The turn of a machine: trials of one cell have the same as long as it goes on. */
class OneTurn implements Disposable {
  readonly #machine: Machine;
  readonly #ask: ShiftHooks['turn'];
  #turn: Turn | undefined;
  #cell: Cell | undefined;

  constructor({ machine }: Bench, { turn }: ShiftHooks) {
    this.#machine = machine;
    this.#ask = turn;
  }

  /** Rejects on abort. */
  async for(task: Task): Promise<Turn | undefined> {
    if (task.cell === this.#cell && this.#turn?.goesOn() === true) return this.#turn;
    this[Symbol.dispose]();
    this.#turn = await this.#ask?.(task, this.#machine);
    this.#cell = task.cell;
    return this.#turn;
  }

  [Symbol.dispose](): void {
    this.#turn?.[Symbol.dispose]();
    this.#turn = undefined;
  }
}

/** A machine could not be brought to a cgroup set-up. */
class NoSetUp extends Error {
  readonly cgroup: CgroupVersion;
  readonly why: unknown;

  constructor(cgroup: CgroupVersion, why: unknown) {
    super(sentence(why), { cause: why });
    this.cgroup = cgroup;
    this.why = why;
  }
}

/** A machine at work, in one cgroup set-up at a time, and the session on it: frostbite anew after each change. */
class Bench implements AsyncDisposable {
  readonly machine: Machine;
  readonly #hooks: ShiftHooks;
  #session: Session | undefined;
  #cgroup: CgroupVersion | undefined;

  constructor(machine: Machine, hooks: ShiftHooks) {
    this.machine = machine;
    this.#hooks = hooks;
  }

  /** A session in that set-up. Rejects when the machine cannot be brought to it, or frostbite does not answer. */
  async ready(cgroup: CgroupVersion): Promise<Session> {
    const { machine } = this;
    const { signal, onAgain } = this.#hooks;
    if (machine.setUp !== undefined && cgroup !== this.#cgroup) {
      // before a reboot, so that frostbite ends in order
      await this.#end();
      const rebooted = await machine.setUp(cgroup, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        throw new NoSetUp(cgroup, error);
      });
      if (rebooted) onAgain(machine);
    }
    this.#cgroup = cgroup;
    this.#session ??= await Session.open(machine, signal);
    return this.#session;
  }

  /** Whether the machine is as fresh as a new one; one that cannot be is taken down like any other. */
  async renew(): Promise<boolean> {
    const { machine } = this;
    const { signal, onAgain } = this.#hooks;
    if (machine.renew === undefined) return false;
    await this.#end();
    this.#cgroup = undefined;
    try {
      await machine.renew(signal);
    } catch {
      signal.throwIfAborted();
      return false;
    }
    onAgain(machine);
    return true;
  }

  async #end(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.[Symbol.asyncDispose]();
  }

  /** A machine that can stand still may do so now, and takes frostbite with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.machine.pause === undefined) await this.#end();
  }
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

  get left(): number {
    return this.#tasks.length;
  }

  /** The task to run, once those of cells that need no more are taken off. */
  next(): Task | undefined {
    const { isEnough, onEnough } = this.#hooks;
    for (let cell = this.#tasks[0]?.cell; cell !== undefined && isEnough(cell); cell = this.#tasks[0]?.cell) {
      const { id } = cell;
      const left = this.#tasks.filter((task) => task.cell.id !== id);
      onEnough(cell, this.#tasks.length - left.length);
      this.#tasks = left;
    }
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
