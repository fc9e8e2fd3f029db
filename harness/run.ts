import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Stopping } from './analyse/sampler.ts';
import type { Listener } from './events.ts';
import { jobsFor } from './lab/budget.ts';
import { drivers } from './lab/drivers.ts';
import type { Lab } from './lab/lab.ts';
import type { Machine } from './lab/machine.ts';
import { takeWay } from './lab/take.ts';
import type { Matrix, Way } from './matrix/matrix.ts';
import { wayWords } from './matrix/ways.ts';
import type { Cell } from './plan/cell.ts';
import { roundsOf, type Round } from './plan/rounds.ts';
import type { Journal } from './record/journal.ts';
import { Evidence, keepConfig } from './record/evidence.ts';
import { makeRecord } from './record/make.ts';
import { trialKey } from './record/finished.ts';
import { askMachine } from './trial/ask-machine.ts';
import { deal, type Share } from './trial/deal.ts';
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
  readonly #labs = new Map<string, Promise<Lab>>();
  readonly #left = new Map<string, number>();
  readonly #problems: Problem[] = [];
  readonly #evidence: Evidence;
  /** Cells that a share gave up, with the reason: later rounds leave them out. */
  readonly #givenUp = new Map<string, string>();
  #machines: number;
  #round: Round = { from: 0, to: 0 };

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
    const { ready, failed } = await this.#prepare(distros);
    const jobs = plan.jobs ?? jobsFor(Math.max(0, ...ready.map(({ memoryMiB }) => memoryMiB)));
    this.#announce(jobs, ready[0]?.lab.description ?? 'nothing to boot');
    for (const { distro, error } of failed) this.#giveUpDistro(distro, error);
    const limit = pLimit(Math.max(1, jobs));
    const usable = new Map(ready.map((one) => [one.distro, one]));
    for (this.#round of roundsOf(plan.matrix)) {
      const work = this.#deal()
        .filter(({ distro }) => usable.has(distro))
        .map((share) => limit(() => this.#work(share, usable.get(share.distro)!)));
      // every shift is waited for, so that all machines are down before an error goes on its way
      const settled = await Promise.allSettled(work);
      plan.signal.throwIfAborted();
      for (const one of settled) if (one.status === 'rejected') throw one.reason;
    }
    plan.emit({ kind: 'run-finished', run: plan.run, dir: plan.dir, ms: performance.now() - began });
    return this.#problems;
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

  /** Fetches and builds what each distro boots from; one that fails does not stop the rest. */
  async #prepare(names: readonly string[]): Promise<{ ready: Ready[]; failed: Failed[] }> {
    const { signal, emit } = this.#plan;
    if (names.length === 0) return { ready: [], failed: [] };
    const what = `kernels for ${names.join(', ')}`;
    const began = performance.now();
    emit({ kind: 'preparing', what });
    const all = await Promise.all(names.map((name) => this.#prepareOne(name)));
    signal.throwIfAborted();
    emit({ kind: 'prepared', what, ms: performance.now() - began });
    return { ready: all.filter((one) => 'lab' in one), failed: all.filter((one) => 'error' in one) };
  }

  /** Takes the first of a distro's ways that can be had, and says so when it is not the first. */
  async #prepareOne(name: string): Promise<Ready | Failed> {
    const { signal, emit, matrix } = this.#plan;
    const { ways } = matrix.distros.get(name)!;
    try {
      const { way, lab, passedOver } = await takeWay(ways, (one) => this.#lab(one), signal);
      if (passedOver.length > 0)
        emit({ kind: 'warning', text: [`${name}: taking ${wayWords(way)}.`, ...passedOver].join(' ') });
      const origin = await lab.origin?.(way);
      if (origin !== undefined) {
        const { config, ...known } = origin;
        emit({ kind: 'kernel-known', distro: name, ...known });
        if (config !== null)
          await keepConfig(this.#plan.dir, name, config).catch((error: unknown) =>
            emit({
              kind: 'warning',
              text: `The configuration of ${name}'s kernel is not kept: ${String(error)}`,
            }),
          );
      }
      return { distro: name, way, lab, memoryMiB: lab.memoryOf(way) };
    } catch (error) {
      return { distro: name, error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  #giveUpDistro(name: string, error: Error): void {
    this.#plan.emit({ kind: 'distro-failed', distro: name, error });
    for (const cell of this.#plan.cells.filter((one) => one.distro === name)) {
      const left = this.#left.get(cell.id) ?? 0;
      if (left > 0) this.#skip(cell, left, error.message);
    }
  }

  #lab({ driver }: Way): Promise<Lab> {
    const { run, dir, allowLocal, signal, emit } = this.#plan;
    let lab = this.#labs.get(driver);
    lab ??= drivers[driver]({
      run,
      consoles: join(dir, 'consoles'),
      allowLocal,
      signal,
      onWarning: (text) => emit({ kind: 'warning', text }),
      onPreparing: (what) => {
        const began = performance.now();
        emit({ kind: 'preparing', what });
        return () => emit({ kind: 'prepared', what, ms: performance.now() - began });
      },
    });
    this.#labs.set(driver, lab);
    return lab;
  }

  async #work({ distro: name, tasks }: Share, { lab, way }: Ready): Promise<void> {
    const { signal, emit } = this.#plan;
    if (signal.aborted) return;
    let id = '';
    const hooks: ShiftHooks = {
      signal,
      boot: () => {
        id = `m${++this.#machines}`;
        return this.#boot(lab, { id, name, way });
      },
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

  async #boot(lab: Lab, of: { id: string; name: string; way: Way }): Promise<Machine> {
    const { signal, emit } = this.#plan;
    const { id, name, way } = of;
    emit({ kind: 'machine-booting', machine: id, distro: name });
    const began = performance.now();
    const machine = await lab.boot({ id, way, signal });
    emit({
      kind: 'machine-ready',
      machine: id,
      distro: name,
      release: machine.release,
      ms: performance.now() - began,
    });
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

interface Failed {
  readonly distro: string;
  readonly error: Error;
}

interface Ready {
  readonly distro: string;
  readonly way: Way;
  readonly lab: Lab;
  readonly memoryMiB: number;
}
