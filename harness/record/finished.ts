import { isFinal } from '../trial/outcome.ts';
import type { TrialRecord } from './schema.ts';

/** Identifies a trial within its run. */
export const trialKey = (cell: string, trial: number): string => `${cell}#${trial}`;

/** The progress of a run that is to be resumed. */
export interface Progress {
  /** Keys (`trialKey`) of the finished trials; those with only lab errors are not finished. */
  readonly finished: ReadonlySet<string>;
  /** The highest machine number (`m17` gives 17) in any record, 0 for none. */
  readonly lastMachine: number;
}

/** Determines a run's progress from its records; calls `each` with every record. */
export async function finishedTrials(
  records: AsyncIterable<TrialRecord> | Iterable<TrialRecord>,
  each: (record: TrialRecord) => void = () => undefined,
): Promise<Progress> {
  const finished = new Set<string>();
  let lastMachine = 0;
  for await (const record of records) {
    const { cell, trial, outcome, machine } = record;
    each(record);
    if (isFinal(outcome)) finished.add(trialKey(cell, trial));
    const number = Number(/^m(\d{1,9})$/.exec(machine.id)?.[1] ?? 0);
    if (number > lastMachine) lastMachine = number;
  }
  return { finished, lastMachine };
}
