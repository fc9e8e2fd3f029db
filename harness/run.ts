import { setMaxListeners } from 'node:events';
import { Labs } from './labs.ts';
import { Machines, type RunPlan } from './machines.ts';
import type { Problem } from './schedule/remaining.ts';
import { Scheduler } from './schedule/scheduler.ts';

/**
 * Runs a whole plan, from cells to records. Emits events and prints nothing. Resolves to what could not
 * be measured, once every machine is down; rejects on abort (also with all machines down).
 */
export async function runMatrix(
  plan: RunPlan,
  labs: Pick<Labs, 'prepare'> = new Labs(plan),
): Promise<readonly Problem[]> {
  // every machine, connection and timer of a run listens to this one signal
  setMaxListeners(0, plan.signal);
  const { run, dir, cells, matrix, signal, emit } = plan;
  const began = performance.now();
  const scheduler = new Scheduler(plan);
  const machines = new Machines(plan, scheduler);
  const problems = await scheduler.walk({
    prepare: (distros) =>
      labs.prepare(distros).map(async (coming) => {
        // building takes a core, like a trial
        using _ = machines.turns.hold({ cores: 1, holdMs: null }, signal);
        return await coming;
      }),
    begin: (jobs, first) => {
      const trials = cells.length * matrix.trials;
      const [finished, sampled] = [trials - scheduler.trialsLeft, matrix.sampling !== null];
      const lab = first?.lab.description ?? 'nothing to boot';
      emit({ kind: 'run-started', run, dir, cells, trials, finished, sampled, jobs, lab });
    },
    work: (one) => machines.work(one),
  });
  emit({ kind: 'run-finished', run, dir, ms: performance.now() - began });
  return problems;
}
