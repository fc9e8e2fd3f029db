import { inOneLine } from '../errors.ts';
import type { Machine } from '../lab/machine.ts';
import type { CgroupVersion } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { Bench, NoSetUp } from './bench.ts';
import { runTrial, type TrialOutcome } from '../trial/experiment.ts';
import type { ShiftHooks, Turn } from './hooks.ts';
import type { Entry } from './ledger.ts';
import { countedOutcomes, isFailure } from '../trial/outcome.ts';
import { Queue } from './queue.ts';
import type { Task } from '../trial/task.ts';

/** The shift gives up after this many consecutive failed boots. */
const bootLimit = 3;

/**
 * Runs tasks of one distro in order, on one machine after another. A machine is used until it is lost or a workload
 * cannot be released; then it is renewed if possible, otherwise a fresh one takes over. A trial with a lab error is
 * retried on a fresh machine, until the ledger or the queue gives it up. Rejects only on abort. All machines are down
 * when it settles.
 */
export async function workShift(tasks: readonly Task[], hooks: ShiftHooks): Promise<void> {
  const queue = new Queue(tasks, hooks);
  const wedging = new Set<string>();
  for (let failed = 0; ;) {
    hooks.signal.throwIfAborted();
    const all = queue.left;
    const distro = queue.next()?.cell.distro;
    if (distro === undefined) return;
    // the failures were those of cells that were given up meanwhile
    if (queue.left < all) failed = 0;
    const before = queue.left;
    try {
      await workMachine({ distro, queue, wedging }, hooks);
      failed = 0;
    } catch (error) {
      hooks.signal.throwIfAborted();
      failed = queue.left < before ? 1 : failed + 1;
      if (failed >= bootLimit) {
        const { cgroup } = error instanceof NoSetUp ? error : { cgroup: undefined };
        queue.drop(({ cell }) => cgroup === undefined || cell.cgroup === cgroup, inOneLine(error));
        failed = 0;
      }
      hooks.onBootFailed(error, queue.next() !== undefined);
    }
  }
}

/** What successive machines of a shift share. */
interface Shift {
  readonly distro: string;
  readonly queue: Queue;
  /** Workloads that could not be released. */
  readonly wedging: Set<string>;
}

/** Runs tasks on one machine, if it is still needed once there is room for it. Rejects if it does not come up. */
async function workMachine(of: Shift, hooks: ShiftHooks): Promise<void> {
  const { distro, queue } = of;
  const begun: { boot?: Entry } = {};
  const begin = (): CgroupVersion | null => {
    const first = queue.next();
    if (first === undefined) return null;
    begun.boot = hooks.ledger.begin({ kind: 'boot', distro });
    return first.cell.cgroup;
  };
  try {
    const machine = await hooks.boot(begin);
    if (machine === null) return;
    await using _ = ending(machine, hooks);
    await using bench = new Bench(machine, { ...of, boot: begun.boot }, hooks);
    await useMachine(bench, queue, hooks);
  } catch (error) {
    if (!hooks.signal.aborted && !(error instanceof NoSetUp)) begun.boot?.failed(inOneLine(error), true);
    throw error;
  } finally {
    begun.boot?.left();
  }
}

/** Shuts a machine down once the host has room for that. */
function ending(machine: Machine, { end }: ShiftHooks): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      using _ = await end?.(machine);
      await machine[Symbol.asyncDispose]();
    },
  };
}

/** Runs tasks on one machine until none is left or the machine is unusable. */
async function useMachine(bench: Bench, queue: Queue, hooks: ShiftHooks): Promise<void> {
  const { machine } = bench;
  using turns = new OneTurn(bench, hooks);
  for (let task = queue.next(); task !== undefined; task = queue.next()) {
    const outcome = await runInTurn(bench, task, { ...hooks, turn: await turns.for(task) });
    queue.settle(task, outcome);
    if (outcome.reusable && outcome.outcome !== 'lab-error') continue;
    const reason = outcome.reason ?? unfitWords(task, outcome);
    const isOver = queue.next() === undefined;
    hooks.onLost(machine, reason, !isOver);
    if (isOver || !(await bench.renew(task.cell))) return;
  }
  hooks.onDone(machine);
}

/** Why a machine is unusable after a trial that gives no reason itself. */
function unfitWords({ cell }: Task, { window }: TrialOutcome): string {
  const oops = window.facts.find(({ kind }) => kind === 'oops');
  return oops === undefined
    ? `the group of ${cell.workload} could not be removed`
    : `its kernel went on after ${oops.line}`;
}

/** Runs a trial that holds its turn. Evidence of a failure is collected before the next trial starts. */
async function runInTurn(
  bench: Bench,
  task: Task,
  { turn, ...hooks }: Omit<ShiftHooks, 'turn'> & { readonly turn: Turn | undefined },
): Promise<TrialOutcome> {
  const { machine } = bench;
  const session = await bench.ready(task.cell);
  const entry = hooks.ledger.begin({ kind: 'trial', cell: task.cell });
  try {
    const isFresh = bench.use();
    const onQuiet = (ms: number): void => turn?.quiet(ms);
    const outcome = await runTrial({ machine, session, onQuiet }, task.request, hooks.signal);
    hooks.onTrial(task, outcome, machine);
    if (countedOutcomes.has(outcome.outcome)) entry.worked();
    if (outcome.outcome === 'lab-error') entry.failed(outcome.reason ?? '', isFresh);
    if (isFailure(outcome.outcome) || outcome.logs.size > 0) await hooks.onFailed(task, outcome, machine);
    return outcome;
  } finally {
    entry.left();
  }
}

/** A machine's current turn, which consecutive trials of a cell share while `goesOn` allows it. */
class OneTurn implements Disposable {
  readonly #machine: Machine;
  readonly #ask: ShiftHooks['turn'];
  #turn: Turn | undefined;
  #cell: Cell | undefined;

  constructor({ machine }: Bench, { turn }: ShiftHooks) {
    this.#machine = machine;
    this.#ask = turn;
  }

  /** The turn for a task: the current one, or a new one once the host has room. Rejects on abort. */
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
