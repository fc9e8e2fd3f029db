import { availableParallelism } from 'node:os';
import { inOneLine } from './errors.ts';
import type { Ready } from './labs.ts';
import type { BootRequest } from './lab/lab.ts';
import type { Machine } from './lab/machine.ts';
import { Evidence } from './record/evidence.ts';
import type { Journal } from './record/journal.ts';
import { makeRecord } from './record/make.ts';
import { cpusOf, loadOf } from './schedule/costs.ts';
import type { Scheduler, SchedulerPlan } from './schedule/scheduler.ts';
import { workShift } from './schedule/shift.ts';
import { Turns } from './schedule/turns.ts';
import type { Work } from './schedule/works.ts';
import { askMachine } from './trial/ask-machine.ts';
import type { TrialOutcome } from './trial/experiment.ts';
import type { Task } from './trial/task.ts';

/** What to run, where to write the results, and how many machines to use at once. */
export interface RunPlan extends SchedulerPlan {
  readonly run: string;
  readonly dir: string;
  /** The number of the last machine that was booted before; numbering continues from it. */
  readonly lastMachine: number;
  readonly journal: Journal;
  /** Whether the driver `local` may freeze cgroups of this host. */
  readonly allowLocal: boolean;
}

/** A boot that takes longer than this is waiting for something, and needs no core. */
const bootHoldMs = 20_000;
/** Upper bound on how long a shutdown may hold a core. */
const endHoldMs = 2000;

/** Runs assignments on machines, and records the results. */
export class Machines {
  readonly turns = new Turns(availableParallelism());
  readonly #plan: RunPlan;
  readonly #scheduler: Scheduler;
  readonly #evidence: Evidence;
  #last: number;

  constructor(plan: RunPlan, scheduler: Scheduler) {
    this.#plan = plan;
    this.#scheduler = scheduler;
    this.#evidence = new Evidence(plan.dir);
    this.#last = plan.lastMachine;
  }

  async work({ assignment, on, template }: Work): Promise<void> {
    const { distro, tasks } = assignment;
    const { signal, emit, matrix } = this.#plan;
    if (signal.aborted) return;
    const cpus = cpusOf(on.way);
    let id = '';
    await workShift(tasks, {
      ...this.#scheduler.decisions,
      signal,
      boot: (begin) =>
        this.#boot(on, template, () => {
          const cgroup = begin();
          return cgroup === null ? null : { id: (id = `m${++this.#last}`), cgroup };
        }),
      turn: ({ cell }, machine) => this.turns.begin(machine, loadOf(cell, matrix, cpus), signal),
      end: (machine) => this.turns.leave(machine, { cores: Math.min(1, cpus), holdMs: endHoldMs }, signal),
      onTrial: (task, outcome, machine) => this.#record(task, outcome, machine),
      onFailed: (task, outcome, machine) => this.#keep(task, outcome, machine),
      onLost: ({ facts }, reason, replaced) =>
        emit({ kind: 'machine-lost', machine: facts.id, distro, reason, replaced }),
      onAgain: ({ facts, release }) =>
        emit({ kind: 'machine-ready', machine: facts.id, distro, release, ms: 0 }),
      onDone: ({ facts }) => emit({ kind: 'machine-done', machine: facts.id, distro }),
      onBootFailed: (error, replaced) =>
        emit({ kind: 'machine-lost', machine: id, distro, reason: inOneLine(error), replaced }),
    });
  }

  #record(task: Task, outcome: TrialOutcome, machine: Machine): void {
    const record = makeRecord(this.#plan.run, task, outcome, machine.facts);
    // the journal reports a failure through its abort signal, which is part of the run's
    void this.#plan.journal.append(record);
    this.#plan.emit({ kind: 'trial-finished', record });
    this.#scheduler.record(task.cell, record);
  }

  /** Saves evidence for the first failed trial of each cell. */
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

  /** Boots a machine once there is a free core; null if `begin` finds that it is no longer needed. */
  async #boot(
    { lab, distro, way }: Ready,
    template: number | null,
    begin: () => Pick<BootRequest, 'id' | 'cgroup'> | null,
  ): Promise<Machine | null> {
    const { signal, emit } = this.#plan;
    using _ = await this.turns.take({ cores: Math.min(1, cpusOf(way)), holdMs: bootHoldMs }, signal);
    const next = begin();
    if (next === null) return null;
    const { id } = next;
    emit({ kind: 'machine-booting', machine: id, distro });
    const began = performance.now();
    const machine = await lab.boot({ ...next, way, signal, ...(template === null ? {} : { template }) });
    const ms = performance.now() - began;
    emit({ kind: 'machine-ready', machine: id, distro, release: machine.release, ms });
    this.turns.join(machine);
    return machine;
  }
}
