import { isFinal } from '../trial/outcome.ts';
import type { TrialRecord } from './schema.ts';

/** Names a trial within its run. */
export const trialKey = (cell: string, trial: number): string => `${cell}#${trial}`;

/** How far a run has come, for one that is to be resumed. */
export interface Progress {
  /** Keys (`trialKey`) of the trials that are over for good; those with nothing but lab errors are not. */
  readonly finished: ReadonlySet<string>;
  /** The highest number of a machine (`m17` gives 17) that has left a record, 0 for none. */
  readonly lastMachine: number;
}

/** Reads how far a run has come from its records; `each` is told of every one. */
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
