import type { Stopping } from '../analyse/sampler.ts';
import { inOneLine } from '../errors.ts';
import type { Listener } from '../events.ts';
import type { Failed, Ready } from '../labs.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { trialKey } from '../record/finished.ts';
import type { TrialRecord } from '../record/schema.ts';
import { assign, type Assignment } from './assignment.ts';
import type { ShiftHooks } from './hooks.ts';
import { Ledger } from './ledger.ts';
import { Remaining, type Problem } from './remaining.ts';
import { roundsOf, type Round } from './rounds.ts';
import { Slots } from './slots.ts';
import { machinesFor, waitOf, worksOf, type Work } from './works.ts';

/** What is to be measured, and what of it is done already. */
export interface SchedulerPlan {
  readonly matrix: Matrix;
  readonly cells: readonly Cell[];
  /** Trials that are finished already, by `trialKey`. */
  readonly finished: ReadonlySet<string>;
  /** Decides when a cell needs no more trials; it has been given the finished ones. */
  readonly sampler: Stopping;
  /** Number of machines at once; null: chosen by cores and memory. */
  readonly jobs: number | null;
  readonly signal: AbortSignal;
  readonly emit: Listener;
}

/** What a scheduler delegates. */
export interface SchedulerHooks {
  /** Starts fetching and building what these distros boot from; no promise rejects. */
  readonly prepare: (distros: readonly string[]) => readonly Promise<Ready | Failed>[];
  /** Called once, when the first distro can be booted or none can (null). `jobs`: machines that will run at once. */
  readonly begin: (jobs: number, first: Ready | null) => void;
  /** Carries out an assignment; rejects only on abort. */
  readonly work: (work: Work) => Promise<void>;
}

/** The hooks of a shift that decide what is left to do. */
type Decisions = Pick<ShiftHooks, 'ledger' | 'isEnough' | 'onEnough' | 'onGivenUp' | 'onSkipped'>;

/** Decides when and on which machines trials run, and when a cell or a distro is given up. */
export class Scheduler {
  readonly #plan: SchedulerPlan;
  readonly #remaining: Remaining;
  /** Reasons by id of cells that were given up; later rounds leave them out. */
  readonly #givenUp = new Map<string, string>();
  readonly decisions: Decisions;
  #round: Round = { number: 0, from: 0, to: 0 };

  constructor(plan: SchedulerPlan) {
    this.#plan = plan;
    this.#remaining = new Remaining(plan);
    const left = plan.cells.filter((cell) => this.#remaining.of(cell) > 0);
    this.decisions = {
      ledger: new Ledger(left, ({ cells, reason }) => this.#tellGivenUp(cells, reason)),
      isEnough: ({ id }) => plan.sampler.isDecided(id),
      onEnough: (cell, trials) => this.#remaining.save(cell, trials),
      onGivenUp: (cells, reason) => this.#tellGivenUp(cells, reason),
      onSkipped: (cell, trials, reason) => {
        this.#givenUp.set(cell.id, reason);
        this.#remaining.skip(cell, trials, reason);
      },
    };
  }

  /** Trials that are still to be run. */
  get trialsLeft(): number {
    return this.#remaining.trials;
  }

  /** Takes note of a trial that has ended. */
  record(cell: Cell, record: TrialRecord): void {
    if (record.outcome !== 'lab-error') this.#remaining.settle(cell, 1, null);
    if (this.#plan.sampler.add(record))
      this.#remaining.save(cell, this.#remaining.from(cell, this.#round.to));
  }

  /** Runs all rounds. Resolves to what could not be measured, or rejects; either only once all work has ended. */
  async walk(hooks: SchedulerHooks): Promise<readonly Problem[]> {
    const { matrix, jobs: asked } = this.#plan;
    const [first, ...later] = roundsOf(matrix);
    this.#round = first!;
    const ready = await this.#walkFirst(hooks);
    for (this.#round of later) {
      const slots = this.#slots(hooks);
      const jobs = machinesFor(ready, matrix, asked);
      slots.add(worksOf(this.#assign(), { matrix, ready, jobs }), jobs);
      await this.#ended(slots);
    }
    return this.#remaining.problems;
  }

  /** The first round: a distro's work starts once what it boots from is ready. Resolves to the bootable distros. */
  async #walkFirst(hooks: SchedulerHooks): Promise<readonly Ready[]> {
    const { matrix, cells, signal, jobs: asked } = this.#plan;
    const distros = [...matrix.distros.keys()].filter((name) =>
      cells.some((cell) => cell.distro === name && this.#remaining.of(cell) > 0),
    );
    const assignments = this.#assign();
    const slots = this.#slots(hooks);
    const ready: Ready[] = [];
    const failed: Failed[] = [];
    const giveUp = (): void => failed.splice(0).forEach((one) => this.#giveUpDistro(one));
    const enter = (one: Ready): void => {
      ready.push(one);
      const jobs = machinesFor(ready, matrix, asked);
      const works = worksOf(assignments, { matrix, ready: [one], jobs });
      // assume that the other distros are like the first
      if (ready.length === 1) hooks.begin(Math.min(jobs, works.length * distros.length), one);
      slots.add(works, jobs);
    };
    const entered = await Promise.allSettled(
      hooks.prepare(distros).map(async (coming) => {
        const one = await coming;
        if (signal.aborted) return;
        if ('error' in one) failed.push(one);
        else enter(one);
        if (ready.length > 0) giveUp();
      }),
    );
    if (ready.length === 0 && !signal.aborted) hooks.begin(1, null);
    giveUp();
    await this.#ended(slots);
    throwFirst(entered);
    return ready;
  }

  #slots({ work }: SchedulerHooks): Slots<Work> {
    return new Slots({
      waitOf: (one) => waitOf(one, this.#plan.matrix),
      // boots of all distros take turns, so that what changes with time on this host changes for all alike
      rankOf: ({ assignment }) => assignment.boot,
      act: work,
    });
  }

  /** Waits for every shift, so that all machines are down before an error propagates. */
  async #ended(slots: Slots<Work>): Promise<void> {
    const settled = await slots.done();
    this.#plan.signal.throwIfAborted();
    throwFirst(settled);
  }

  /** The assignments of this round, without cells that are decided or given up. */
  #assign(): Assignment[] {
    const { matrix, cells, finished, sampler } = this.#plan;
    for (const cell of cells) {
      const reason = this.#givenUp.get(cell.id);
      const left = this.#remaining.of(cell);
      if (reason !== undefined && left > 0) this.#remaining.settle(cell, left, reason);
    }
    const wanted = cells.filter(({ id }) => !sampler.isDecided(id) && !this.#givenUp.has(id));
    const isFinished = ({ id }: Cell, trial: number): boolean => finished.has(trialKey(id, trial));
    return assign({ matrix, cells: wanted, isFinished }, this.#round);
  }

  #giveUpDistro({ distro, error }: Failed): void {
    this.#plan.emit({ kind: 'distro-failed', distro, error });
    for (const cell of this.#plan.cells.filter((one) => one.distro === distro)) {
      const left = this.#remaining.of(cell);
      if (left > 0) this.#remaining.skip(cell, left, inOneLine(error));
    }
  }

  /** Reports only the cells with trials left; the others are done, or were unsupported. */
  #tellGivenUp(of: readonly Cell[], reason: string): void {
    const cells = of.filter((cell) => this.#remaining.of(cell) > 0);
    if (cells.length > 0) this.#plan.emit({ kind: 'cells-given-up', cells, reason });
  }
}

function throwFirst(settled: readonly PromiseSettledResult<void>[]): void {
  for (const one of settled) if (one.status === 'rejected') throw one.reason;
}
