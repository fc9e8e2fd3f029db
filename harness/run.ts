import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import type { Stopping } from './analyse/sampler.ts';
import type { Listener } from './events.ts';
import { Labs, type Ready } from './labs.ts';
import { jobsFor } from './lab/budget.ts';
import type { Machine } from './lab/machine.ts';
import { Turns } from './lab/turns.ts';
import type { Matrix } from './matrix/matrix.ts';
import type { Cell } from './plan/cell.ts';
import { cpusOf, loadOf, longestWait } from './plan/load.ts';
import { roundsOf, type Round } from './plan/rounds.ts';
import type { Journal } from './record/journal.ts';
import { Evidence } from './record/evidence.ts';
import { makeRecord } from './record/make.ts';
import { trialKey } from './record/finished.ts';
import { askMachine } from './trial/ask-machine.ts';
import { deal, splitByCell, spreadWaits, type Share } from './trial/deal.ts';
import type { TrialOutcome } from './trial/experiment.ts';
import { workShift, type ShiftHooks, type Task } from './trial/shift.ts';

/** What to run, where to write it, and how many machines at once. */
export interface RunPlan {
  readonly run: string;
  readonly dir: string;
  readonly matrix: Matrix;
  readonly cells: readonly Cell[];
  /** Trials that are finished already, by `trialKey`, and the number of the last machine booted. */
  readonly finished: ReadonlySet<string>;
  readonly lastMachine: number;
  /** Tells when a cell needs no more trials; it knows the finished ones. */
  readonly sampler: Stopping;
  readonly journal: Journal;
  /** Machines at once; null chooses by cores and memory. */
  readonly jobs: number | null;
  /** Whether the driver `local` may freeze groups of this machine. */
  readonly allowLocal: boolean;
  readonly signal: AbortSignal;
  readonly emit: Listener;
}

/** Why some trials of a cell are missing: kept in run.json, so that a report can say it. */
export interface Problem {
  readonly cell: string;
  readonly trials: number;
  readonly reason: string;
}

/**
 * Walks the whole way from cells to records. Prints nothing: it emits events. Resolves with what could
 * not be measured, once every machine is down; rejects on abort (also with all machines down).
 */
export async function runMatrix(plan: RunPlan): Promise<readonly Problem[]> {
  // every machine, connection and wait of a run listens to its one signal
  setMaxListeners(0, plan.signal);
  const run = new Run(plan);
  return run.walk();
}

class Run {
  readonly #plan: RunPlan;
  readonly #turns = new Turns(availableParallelism());
  readonly #left = new Map<string, number>();
  readonly #problems: Problem[] = [];
  readonly #evidence: Evidence;
  /** Cells that a share gave up, with the reason: later rounds leave them out. */
  readonly #givenUp = new Map<string, string>();
  #machines: number;
  #round: Round = { number: 0, from: 0, to: 0 };

  constructor(plan: RunPlan) {
    this.#plan = plan;
    this.#machines = plan.lastMachine;
    this.#evidence = new Evidence(plan.dir);
  }

  async walk(): Promise<readonly Problem[]> {
    const plan = this.#plan;
    for (const cell of plan.cells) {
      const left = plan.sampler.isDecided(cell.id) ? 0 : this.#unfinished(cell, 0, plan.matrix.trials);
      this.#left.set(cell.id, left);
    }
    const began = performance.now();
    const distros = [...plan.matrix.distros.keys()].filter((name) =>
      plan.cells.some(({ id, distro }) => distro === name && this.#left.get(id) !== 0),
    );
    const { ready, failed } = await new Labs(plan).prepare(distros);
    const hasClones = ({ lab }: Ready): boolean => plan.matrix.templates && lab.hasTemplates === true;
    const jobs =
      plan.jobs ?? jobsFor(Math.max(0, ...ready.map((one) => one.lab.memoryOf(one.way, hasClones(one)))));
    this.#announce(jobs, ready[0]?.lab.description ?? 'nothing to boot');
    for (const { distro, error } of failed) this.#giveUpDistro(distro, error);
    const usable = new Map(ready.map((one) => [one.distro, one]));
    for (this.#round of roundsOf(plan.matrix)) {
      const shares = this.#deal();
      const parts = Math.ceil(jobs / shares.length) - 1;
      const work = shares.flatMap((share): Work[] => {
        const on = usable.get(share.distro);
        if (on === undefined) return [];
        if (!hasClones(on)) {
          const own = on.lab.hasTemplates === true ? this.#spread(share, parts) : [share];
          return own.map((part) => ({ share: part, on, template: null }));
        }
        return splitByCell(share).map((part) => ({ share: part, on, template: part.boot }));
      });
      // every shift is waited for, so that all machines are down before an error goes on its way
      const settled = await this.#walkAll(work, jobs);
      plan.signal.throwIfAborted();
      for (const one of settled) if (one.status === 'rejected') throw one.reason;
    }
    plan.emit({ kind: 'run-finished', run: plan.run, dir: plan.dir, ms: performance.now() - began });
    return this.#problems;
  }

  /** As many machines for a share's waits as there are left, each with more to wait for than its boot takes. */
  #spread(share: Share, parts: number): Share[] {
    const { matrix } = this.#plan;
    const waitOf = (cell: Cell): number => longestWait(cell, matrix);
    const all = share.tasks.reduce((sum, { cell }) => sum + waitOf(cell), 0);
    return spreadWaits(share, waitOf, Math.min(parts, Math.floor(all / worthBootMs)));
  }

  /** The shares of this round, without cells that are decided or were given up before. */
  #deal(): Share[] {
    const { matrix, cells, finished, sampler } = this.#plan;
    for (const cell of cells) {
      const reason = this.#givenUp.get(cell.id);
      const left = this.#left.get(cell.id) ?? 0;
      if (reason !== undefined && left > 0) this.#settle(cell, left, reason);
    }
    const wanted = cells.filter(({ id }) => !sampler.isDecided(id) && !this.#givenUp.has(id));
    const isFinished = ({ id }: Cell, trial: number): boolean => finished.has(trialKey(id, trial));
    return deal({ matrix, cells: wanted, isFinished }, this.#round);
  }

  /** How many trials of a cell are left of `from` to `to - 1`. */
  #unfinished({ id }: Cell, from: number, to: number): number {
    let count = 0;
    for (let trial = from; trial < to; trial++) if (!this.#plan.finished.has(trialKey(id, trial))) count++;
    return count;
  }

  #announce(jobs: number, lab: string): void {
    const { run, dir, cells, matrix, emit } = this.#plan;
    const trials = cells.length * matrix.trials;
    const left = [...this.#left.values()].reduce((sum, one) => sum + one, 0);
    const sampled = matrix.sampling !== null;
    emit({ kind: 'run-started', run, dir, cells, trials, finished: trials - left, sampled, jobs, lab });
  }

  #giveUpDistro(name: string, error: Error): void {
    this.#plan.emit({ kind: 'distro-failed', distro: name, error });
    for (const cell of this.#plan.cells.filter((one) => one.distro === name)) {
      const left = this.#left.get(cell.id) ?? 0;
      if (left > 0) this.#skip(cell, left, error.message);
    }
  }

  /**
   * Does it all on so many machines at once. Those whose cells mostly wait have what the others leave of them, who take
   * turns for the cores and need no more than are made ready meanwhile; those that wait longest begin.
   */
  async #walkAll(all: readonly Work[], jobs: number): Promise<PromiseSettledResult<void>[]> {
    const { matrix } = this.#plan;
    const waitOf = ({ share: { tasks } }: Work): number => {
      const waits = tasks.map(({ cell }) => longestWait(cell, matrix));
      return waits.includes(0) ? 0 : waits.reduce((sum, one) => sum + one, 0);
    };
    const byWait = all.toSorted((a, b) => waitOf(b) - waitOf(a));
    const waits = byWait.filter((work) => waitOf(work) > 0);
    const rest = byWait.filter((work) => waitOf(work) === 0);
    const lanes = jobs === 1 ? [byWait] : [rest, waits].filter((lane) => lane.length > 0);
    const first = Math.min((jobs + 1) >> 1, availableParallelism() + readyAhead);
    const limits = lanes.map((_, i) => pLimit(lanes.length === 1 ? jobs : i === 0 ? first : jobs - first));
    const ends = lanes.map(async (lane, i) => {
      const settled = await Promise.allSettled(lane.map((work) => limits[i]!(() => this.#work(work))));
      // the others have its machines from now on
      for (const limit of limits) limit.concurrency = jobs;
      return settled;
    });
    return (await Promise.all(ends)).flat();
  }

  async #work({ share, on, template }: Work): Promise<void> {
    const { distro: name, tasks } = share;
    const { signal, emit, matrix } = this.#plan;
    if (signal.aborted) return;
    let id = '';
    const hooks: ShiftHooks = {
      signal,
      boot: () => {
        id = `m${++this.#machines}`;
        return this.#boot(on, id, template);
      },
      turn: ({ cell }, machine) => this.#turns.begin(machine, loadOf(cell, matrix, cpusOf(on.way)), signal),
      end: (machine) =>
        this.#turns.leave(machine, { cores: Math.min(1, cpusOf(on.way)), holdMs: endHoldMs }, signal),
      onTrial: (task, outcome, machine) => {
        const record = makeRecord(this.#plan.run, task, outcome, machine.facts);
        // a failure is told by the journal's signal, which is part of the run's
        void this.#plan.journal.append(record);
        emit({ kind: 'trial-finished', record });
        if (outcome.outcome !== 'lab-error') this.#settle(task.cell, 1, null);
        if (this.#plan.sampler.add(record)) this.#save(task.cell, this.#later(task.cell));
      },
      onFailed: (task, outcome, machine) => this.#keep(task, outcome, machine),
      onLost: (machine, reason, replaced) =>
        emit({ kind: 'machine-lost', machine: machine.facts.id, distro: name, reason, replaced }),
      onAgain: ({ facts, release }) =>
        emit({ kind: 'machine-ready', machine: facts.id, distro: name, release, ms: 0 }),
      onDone: (machine) => emit({ kind: 'machine-done', machine: machine.facts.id, distro: name }),
      onBootFailed: (error) =>
        emit({ kind: 'machine-lost', machine: id, distro: name, reason: String(error), replaced: true }),
      isEnough: ({ id }) => this.#plan.sampler.isDecided(id),
      onEnough: (cell, trials) => this.#save(cell, trials),
      onSkipped: (cell, trials, reason) => {
        this.#givenUp.set(cell.id, reason);
        this.#skip(cell, trials, reason);
      },
    };
    await workShift(tasks, hooks);
  }

  /** Keeps what tells why a trial failed, of the first of its cell. */
  async #keep(task: Task, outcome: TrialOutcome, machine: Machine): Promise<void> {
    const { run, emit } = this.#plan;
    if (!this.#evidence.wants(task.cell.id)) return;
    try {
      const said = outcome.result === null ? new Map<string, string>() : await askMachine(machine);
      await this.#evidence.keep(makeRecord(run, task, outcome, machine.facts), { outcome, said });
    } catch (error) {
      emit({ kind: 'warning', text: `The evidence of a failed trial is lost: ${String(error)}` });
    }
  }

  async #boot({ lab, distro: name, way }: Ready, id: string, template: number | null): Promise<Machine> {
    const { signal, emit } = this.#plan;
    using _ = await this.#turns.take({ cores: Math.min(1, cpusOf(way)), holdMs: bootHoldMs }, signal);
    emit({ kind: 'machine-booting', machine: id, distro: name });
    const began = performance.now();
    const machine = await lab.boot({ id, way, signal, ...(template === null ? {} : { template }) });
    emit({
      kind: 'machine-ready',
      machine: id,
      distro: name,
      release: machine.release,
      ms: performance.now() - began,
    });
    this.#turns.join(machine);
    return machine;
  }

  #skip(cell: Cell, trials: number, reason: string): void {
    this.#problems.push({ cell: cell.id, trials, reason });
    this.#settle(cell, trials, reason);
  }

  /** Trials of a cell that later rounds would have. */
  #later(cell: Cell): number {
    return this.#unfinished(cell, this.#round.to, this.#plan.matrix.trials);
  }

  /** These trials are not needed any more. */
  #save(cell: Cell, trials: number): void {
    this.#plan.emit({ kind: 'trials-saved', cell, trials });
    this.#settle(cell, trials, null);
  }

  #settle(cell: Cell, trials: number, reason: string | null): void {
    const left = (this.#left.get(cell.id) ?? 0) - trials;
    this.#left.set(cell.id, left);
    if (left === 0) this.#plan.emit({ kind: 'cell-finished', cell, reason });
  }
}

/** What one machine after another does. */
interface Work {
  readonly share: Share;
  readonly on: Ready;
  /** The number of the template its machines start from; null: they are booted. */
  readonly template: number | null;
}

/** Waits that a machine of their own is booted for. */
const worthBootMs = 60_000;
/** Machines that are made ready while others have their turns. */
const readyAhead = 2;
/** A machine that is not up by then waits for something. */
const bootHoldMs = 20_000;
/** Nor one that is not down. */
const endHoldMs = 2000;
