import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import type { Stopping } from './analyse/sampler.ts';
import { inOneLine } from './errors.ts';
import type { Listener } from './events.ts';
import { Labs, type Ready } from './labs.ts';
import { walkInLanes } from './lanes.ts';
import { jobsFor } from './lab/budget.ts';
import type { BootRequest } from './lab/lab.ts';
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
import { deal, type Share } from './trial/deal.ts';
import type { TrialOutcome } from './trial/experiment.ts';
import type { ShiftHooks } from './trial/hooks.ts';
import { Ledger } from './trial/ledger.ts';
import { workShift } from './trial/shift.ts';
import type { Task } from './trial/task.ts';
import { hasClones, worksOf, type Work } from './works.ts';

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
export async function runMatrix(
  plan: RunPlan,
  labs: Pick<Labs, 'prepare'> = new Labs(plan),
): Promise<readonly Problem[]> {
  // every machine, connection and wait of a run listens to its one signal
  setMaxListeners(0, plan.signal);
  const run = new Run(plan);
  return run.walk(labs);
}

class Run {
  readonly #plan: RunPlan;
  readonly #turns = new Turns(availableParallelism());
  readonly #left = new Map<string, number>();
  /** By cell and reason. */
  readonly #problems = new Map<string, Problem>();
  readonly #evidence: Evidence;
  readonly #ledger: Ledger;
  /** Cells that a share gave up, with the reason: later rounds leave them out. */
  readonly #givenUp = new Map<string, string>();
  #machines: number;
  #round: Round = { number: 0, from: 0, to: 0 };

  constructor(plan: RunPlan) {
    this.#plan = plan;
    this.#machines = plan.lastMachine;
    this.#evidence = new Evidence(plan.dir);
    for (const cell of plan.cells) {
      const left = plan.sampler.isDecided(cell.id) ? 0 : this.#unfinished(cell, 0, plan.matrix.trials);
      this.#left.set(cell.id, left);
    }
    this.#ledger = new Ledger(
      plan.cells.filter((cell) => this.#isLeft(cell)),
      ({ cells, reason }) => this.#tellGivenUp(cells, reason),
    );
  }

  async walk(labs: Pick<Labs, 'prepare'>): Promise<readonly Problem[]> {
    const plan = this.#plan;
    const began = performance.now();
    const distros = [...plan.matrix.distros.keys()].filter((name) =>
      plan.cells.some((cell) => cell.distro === name && this.#isLeft(cell)),
    );
    const { ready, failed } = await labs.prepare(distros);
    const jobs =
      plan.jobs ??
      jobsFor(Math.max(0, ...ready.map((one) => one.lab.memoryOf(one.way, hasClones(one, plan.matrix)))));
    const [first, ...later] = roundsOf(plan.matrix);
    this.#round = first!;
    const work = this.#workOf(ready, jobs);
    this.#announce(Math.min(jobs, Math.max(1, work.length)), ready[0]?.lab.description ?? 'nothing to boot');
    for (const { distro, error } of failed) this.#giveUpDistro(distro, error);
    await this.#walkRound(work, jobs);
    for (this.#round of later) await this.#walkRound(this.#workOf(ready, jobs), jobs);
    plan.emit({ kind: 'run-finished', run: plan.run, dir: plan.dir, ms: performance.now() - began });
    return [...this.#problems.values()];
  }

  /** What this round has for machines of the distros that can be booted. */
  #workOf(ready: readonly Ready[], jobs: number): Work[] {
    return worksOf(this.#deal(), { matrix: this.#plan.matrix, ready, jobs });
  }

  /** Does the work of a round. Rejects when every machine is down. */
  async #walkRound(work: readonly Work[], jobs: number): Promise<void> {
    const { matrix, signal } = this.#plan;
    const waitOf = ({ share: { tasks } }: Work): number => {
      const waits = tasks.map(({ cell }) => longestWait(cell, matrix));
      return waits.includes(0) ? 0 : waits.reduce((sum, one) => sum + one, 0);
    };
    // every shift is waited for, so that all machines are down before an error goes on its way
    const settled = await walkInLanes(work, { jobs, waitOf, act: (one) => this.#work(one) });
    signal.throwIfAborted();
    for (const one of settled) if (one.status === 'rejected') throw one.reason;
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
      if (left > 0) this.#skip(cell, left, inOneLine(error));
    }
  }

  async #work({ share, on, template }: Work): Promise<void> {
    const { distro: name, tasks } = share;
    const { signal, emit, matrix } = this.#plan;
    if (signal.aborted) return;
    let id = '';
    const hooks: ShiftHooks = {
      signal,
      ledger: this.#ledger,
      boot: (begin) => {
        const next = (): Next | null => {
          const cgroup = begin();
          return cgroup === null ? null : { id: (id = `m${++this.#machines}`), cgroup };
        };
        return this.#boot(on, next, template);
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
      onBootFailed: (error, replaced) =>
        emit({ kind: 'machine-lost', machine: id, distro: name, reason: inOneLine(error), replaced }),
      isEnough: ({ id }) => this.#plan.sampler.isDecided(id),
      onEnough: (cell, trials) => this.#save(cell, trials),
      onGivenUp: (cells, reason) => this.#tellGivenUp(cells, reason),
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
      emit({ kind: 'warning', text: `The evidence of a failed trial is lost: ${inOneLine(error)}` });
    }
  }

  /** Boots a machine when there is room for it; null when `begin` finds that it is not wanted any more. */
  async #boot(
    { lab, distro: name, way }: Ready,
    begin: () => Next | null,
    template: number | null,
  ): Promise<Machine | null> {
    const { signal, emit } = this.#plan;
    using _ = await this.#turns.take({ cores: Math.min(1, cpusOf(way)), holdMs: bootHoldMs }, signal);
    const next = begin();
    if (next === null) return null;
    const { id } = next;
    emit({ kind: 'machine-booting', machine: id, distro: name });
    const began = performance.now();
    const machine = await lab.boot({ ...next, way, signal, ...(template === null ? {} : { template }) });
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

  #isLeft({ id }: Cell): boolean {
    return (this.#left.get(id) ?? 0) > 0;
  }

  /** Told of those that had trials left: others were unsupported, or are done. */
  #tellGivenUp(of: readonly Cell[], reason: string): void {
    const cells = of.filter((cell) => this.#isLeft(cell));
    if (cells.length > 0) this.#plan.emit({ kind: 'cells-given-up', cells, reason });
  }

  #skip(cell: Cell, trials: number, reason: string): void {
    const key = `${cell.id} ${reason}`;
    const before = this.#problems.get(key)?.trials ?? 0;
    this.#problems.set(key, { cell: cell.id, trials: before + trials, reason });
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

/** What a machine is called, and the set-up that its first trial wants. */
type Next = Pick<BootRequest, 'id' | 'cgroup'>;

/** A machine that is not up by then waits for something. */
const bootHoldMs = 20_000;
/** Nor one that is not down. */
const endHoldMs = 2000;
