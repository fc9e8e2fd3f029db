import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';

/** Machines that are made ready while others have their turns. */
const readyAhead = 2;

/** How work is done in lanes. */
export interface Lanes<W> {
  /** Machines at once. */
  readonly jobs: number;
  /** How long a work mostly waits, ms; 0: it does not. */
  readonly waitOf: (work: W) => number;
  readonly act: (work: W) => Promise<void>;
}

/**
 * Does it all on so many machines at once. Those that mostly wait have what the others leave of them, who take turns
 * for the cores and need no more than are made ready meanwhile; those that wait longest begin.
 */
export async function walkInLanes<W>(
  all: readonly W[],
  { jobs, waitOf, act }: Lanes<W>,
): Promise<PromiseSettledResult<void>[]> {
  const byWait = all.toSorted((a, b) => waitOf(b) - waitOf(a));
  const waits = byWait.filter((work) => waitOf(work) > 0);
  const rest = byWait.filter((work) => waitOf(work) === 0);
  const lanes = jobs === 1 ? [byWait] : [rest, waits].filter((lane) => lane.length > 0);
  const first = Math.min((jobs + 1) >> 1, availableParallelism() + readyAhead);
  const limits = lanes.map((_, i) => pLimit(lanes.length === 1 ? jobs : i === 0 ? first : jobs - first));
  const ends = lanes.map(async (lane, i) => {
    const settled = await Promise.allSettled(lane.map((work) => limits[i]!(() => act(work))));
    // the others have its machines from now on
    for (const limit of limits) limit.concurrency = jobs;
    return settled;
  });
  return (await Promise.all(ends)).flat();
}
