import type { MachineFacts } from '../lab/facts.ts';
import type { TrialOutcome } from '../trial/experiment.ts';
import type { Task } from '../trial/task.ts';
import { recordSchemaVersion, type TrialRecord } from './schema.ts';

/** The record of a trial that was run; `at` is the instant at which the record is made. */
export function makeRecord(
  run: string,
  task: Task,
  outcome: TrialOutcome,
  machine: MachineFacts,
): TrialRecord {
  const { cell, request } = task;
  const { result, hello } = outcome;
  return {
    schema: recordSchemaVersion,
    run,
    cell: cell.id,
    trial: request.trial,
    seed: request.seed,
    at: new Date().toISOString(),
    outcome: outcome.outcome,
    reason: outcome.reason,
    frozenUs: result?.frozenUs ?? null,
    writes: result?.writes ?? 0,
    reads: result?.reads ?? 0,
    thaws: result?.thaws ?? 0,
    states: result?.states ?? [],
    thaw: result?.thaw ?? null,
    blockers: result?.blockers ?? [],
    tool: result?.tool ?? null,
    ...(result?.parameters === undefined ? {} : { parameters: result.parameters }),
    ...(result?.steps === undefined ? {} : { steps: result.steps }),
    window: outcome.window,
    wallUs: outcome.wallUs,
    guestUs: result?.guestUs ?? null,
    guest: {
      release: hello.release,
      cgroup: cell.cgroup,
      cpus: hello.cpus,
      runtime: result?.runtime ?? null,
    },
    machine,
  };
}
