import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import type { Stopping } from './analyse/sampler.ts';
import { inOneLine } from './errors.ts';
import type { Listener } from './events.ts';
import { Labs, type Failed, type Ready } from './labs.ts';
import { Lanes } from './lanes.ts';
import type { BootRequest } from './lab/lab.ts';
import type { Machine } from './lab/machine.ts';
import { Turns } from './lab/turns.ts';
import type { Matrix } from './matrix/matrix.ts';
import type { Cell } from './plan/cell.ts';
import { cpusOf, loadOf } from './plan/load.ts';
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
import { Remaining, type Problem } from './remaining.ts';
import type { Task } from './trial/task.ts';
import { machinesFor, waitOf, worksOf, type Work } from './works.ts';

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
  readonly #remaining: Remaining;
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
    this.#remaining = new Remaining(plan);
    this.#ledger = new Ledger(
      plan.cells.filter((cell) => this.#remaining.of(cell) > 0),
      ({ cells, reason }) => this.#tellGivenUp(cells, reason),
    );
  }

  async walk(labs: Pick<Labs, 'prepare'>): Promise<readonly Problem[]> {
    const plan = this.#plan;
    const began = performance.now();
    const [first, ...later] = roundsOf(plan.matrix);
    this.#round = first!;
    const ready = await this.#walkFirst(labs);
    for (this.#round of later) {
      const lanes = this.#lanes();
      const jobs = machinesFor(ready, plan.matrix, plan.jobs);
      lanes.add(worksOf(this.#deal(), { matrix: plan.matrix, ready, jobs }), jobs);
      await this.#ended(lanes);
    }
    plan.emit({ kind: 'run-finished', run: plan.run, dir: plan.dir, ms: performance.now() - began });
    return this.#remaining.problems;
  }

  /** The first round: a distro's work begins when what it boots from is there. Resolves to those that can be booted. */
  async #walkFirst(labs: Pick<Labs, 'prepare'>): Promise<readonly Ready[]> {
    const { matrix, cells, signal, jobs: asked } = this.#plan;
    const distros = [...matrix.distros.keys()].filter((name) =>
      cells.some((cell) => cell.distro === name && this.#remaining.of(cell) > 0),
    );
    const shares = this.#deal();
    const lanes = this.#lanes();
    const ready: Ready[] = [];
    const failed: Failed[] = [];
    const giveUp = (): void => failed.splice(0).forEach((one) => this.#giveUpDistro(one.distro, one.error));
    const enter = (one: Ready): void => {
      ready.push(one);
      const jobs = machinesFor(ready, matrix, asked);
      const works = worksOf(shares, { matrix, ready: [one], jobs });
      // the other distros are taken to be like the first
      if (ready.length === 1)
        this.#announce(Math.min(jobs, works.length * distros.length), one.lab.description);
      lanes.add(works, jobs);
    };
    const prepared = labs.prepare(distros).map(async (coming) => {
      // a build of ours is a load like others
      using _ = this.#turns.hold({ cores: 1, holdMs: null }, signal);
      const one = await coming;
      if (signal.aborted) return;
      if ('error' in one) failed.push(one);
      else enter(one);
      if (ready.length > 0) giveUp();
    });
    const entered = await Promise.allSettled(prepared);
    if (ready.length === 0 && !signal.aborted) this.#announce(1, 'nothing to boot');
    giveUp();
    await this.#ended(lanes);
    throwFirst(entered);
    return ready;
  }

  #lanes(): Lanes<Work> {
    return new Lanes({ waitOf: (work) => waitOf(work, this.#plan.matrix), act: (work) => this.#work(work) });
  }

  /** Waits for every shift, so that all machines are down before an error goes on its way. */
  async #ended(lanes: Lanes<Work>): Promise<void> {
    const settled = await lanes.done();
    this.#plan.signal.throwIfAborted();
    throwFirst(settled);
  }

  /** The shares of this round, without cells that are decided or were given up before. */
  #deal(): Share[] {
    const { matrix, cells, finished, sampler } = this.#plan;
    for (const cell of cells) {
      const reason = this.#givenUp.get(cell.id);
      const left = this.#remaining.of(cell);
      if (reason !== undefined && left > 0) this.#remaining.settle(cell, left, reason);
    }
    const wanted = cells.filter(({ id }) => !sampler.isDecided(id) && !this.#givenUp.has(id));
    const isFinished = ({ id }: Cell, trial: number): boolean => finished.has(trialKey(id, trial));
    return deal({ matrix, cells: wanted, isFinished }, this.#round);
  }

  #announce(jobs: number, lab: string): void {
    const { run, dir, cells, matrix, emit } = this.#plan;
    const trials = cells.length * matrix.trials;
    const left = this.#remaining.trials;
    const sampled = matrix.sampling !== null;
    emit({ kind: 'run-started', run, dir, cells, trials, finished: trials - left, sampled, jobs, lab });
  }

  #giveUpDistro(name: string, error: Error): void {
    this.#plan.emit({ kind: 'distro-failed', distro: name, error });
    for (const cell of this.#plan.cells.filter((one) => one.distro === name)) {
      const left = this.#remaining.of(cell);
      if (left > 0) this.#remaining.skip(cell, left, inOneLine(error));
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
        if (outcome.outcome !== 'lab-error') this.#remaining.settle(task.cell, 1, null);
        if (this.#plan.sampler.add(record))
          this.#remaining.save(task.cell, this.#remaining.from(task.cell, this.#round.to));
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
      onEnough: (cell, trials) => this.#remaining.save(cell, trials),
      onGivenUp: (cells, reason) => this.#tellGivenUp(cells, reason),
      onSkipped: (cell, trials, reason) => {
        this.#givenUp.set(cell.id, reason);
        this.#remaining.skip(cell, trials, reason);
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

  /** Told of those that had trials left: others were unsupported, or are done. */
  #tellGivenUp(of: readonly Cell[], reason: string): void {
    const cells = of.filter((cell) => this.#remaining.of(cell) > 0);
    if (cells.length > 0) this.#plan.emit({ kind: 'cells-given-up', cells, reason });
  }
}

function throwFirst(settled: readonly PromiseSettledResult<void>[]): void {
  for (const one of settled) if (one.status === 'rejected') throw one.reason;
}

/** What a machine is called, and the set-up that its first trial wants. */
type Next = Pick<BootRequest, 'id' | 'cgroup'>;

/** A machine that is not up by then waits for something. */
const bootHoldMs = 20_000;
/** Nor one that is not down. */
const endHoldMs = 2000;
