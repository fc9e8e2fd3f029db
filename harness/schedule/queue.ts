import type { Cell } from '../plan/cell.ts';
import type { TrialOutcome } from '../trial/experiment.ts';
import type { ShiftHooks } from './hooks.ts';
import { isFinal } from '../trial/outcome.ts';
import type { Task } from '../trial/task.ts';

/** A cell is given up after this many lab errors of one of its trials, or crashes of the cell. */
const limits = { labErrors: 3, crashes: 3 };

type QueueHooks = Pick<ShiftHooks, 'isEnough' | 'onEnough' | 'onGivenUp' | 'onSkipped' | 'ledger'>;

/** The remaining tasks of a shift, and how often each has failed. */
export class Queue {
  #tasks: Task[];
  readonly #hooks: QueueHooks;
  readonly #labErrors = new Map<Task, number>();
  readonly #crashes = new Map<string, number>();

  constructor(tasks: readonly Task[], hooks: QueueHooks) {
    this.#tasks = [...tasks];
    this.#hooks = hooks;
  }

  get left(): number {
    return this.#tasks.length;
  }

  /** The task to run next. First drops the tasks of cells that need no more trials or were given up anywhere. */
  next(): Task | undefined {
    const { isEnough, onEnough, ledger } = this.#hooks;
    for (;;) {
      const [task] = this.#tasks;
      if (task === undefined) return undefined;
      const { cell } = task;
      const reason = ledger.reasonFor(cell);
      if (reason !== null) this.#skip(cell, reason);
      else if (isEnough(cell)) onEnough(cell, this.#take(cell));
      else return task;
    }
  }

  /** Removes a finished task; gives up its cell if it has failed too often or is unsupported. */
  settle(task: Task, { outcome, reason }: TrialOutcome): void {
    const { cell } = task;
    if (isFinal(outcome)) this.#tasks = this.#tasks.filter((other) => other !== task);
    if (outcome === 'unsupported') this.#skip(cell, reason ?? 'unsupported');
    if (outcome === 'lab-error') this.#again(task, reason ?? '');
    if (
      (outcome === 'kernel-crash' || outcome === 'kernel-hang') &&
      count(this.#crashes, cell.id) >= limits.crashes
    ) {
      this.#skip(cell, `given up after ${limits.crashes} crashes: ${reason ?? ''}`);
    }
  }

  /** Gives up the cells of the matching tasks. */
  drop(which: (task: Task) => boolean, reason: string): void {
    const cells = cellsOf(this.#tasks.filter(which));
    this.#hooks.onGivenUp(cells, reason);
    for (const cell of cells) this.#skip(cell, reason);
  }

  /** Retries the trial after a lab error, but first tries the cell that shows how far the error reaches. */
  #again(task: Task, reason: string): void {
    if (count(this.#labErrors, task) >= limits.labErrors)
      return this.#skip(task.cell, `given up after ${limits.labErrors} lab errors: ${reason}`);
    const probe = this.#hooks.ledger.probe(task.cell, cellsOf(this.#tasks));
    const isProbe = ({ cell }: Task): boolean => cell === probe;
    this.#tasks = [...this.#tasks.filter(isProbe), ...this.#tasks.filter((other) => !isProbe(other))];
  }

  #skip(cell: Cell, reason: string): void {
    const tasks = this.#take(cell);
    if (tasks > 0) this.#hooks.onSkipped(cell, tasks, reason);
  }

  /** Removes the tasks of a cell; returns how many there were. */
  #take({ id }: Cell): number {
    const before = this.left;
    this.#tasks = this.#tasks.filter((task) => task.cell.id !== id);
    return before - this.left;
  }
}

const cellsOf = (tasks: readonly Task[]): Cell[] => [...new Set(tasks.map(({ cell }) => cell))];

function count<K>(of: Map<K, number>, key: K): number {
  const next = (of.get(key) ?? 0) + 1;
  of.set(key, next);
  return next;
}
