import { statesOf } from '../analyse/state.ts';
import type { StoredRun } from './stored-run.ts';

/** What git-bisect(1) takes for "this one cannot be tested", and the least of what ends it. */
const skip = 125;
const stop = 128;

/**
 * What a run says of its kernel to `git bisect run`: bad (1) when a cell missed what was expected of it, good (0)
 * when every cell was measured in full and every expectation is met for sure, else neither (125): a kernel that crashes, and
 * of whose `crashes` nothing is expected, may do so for another reason than the one that is sought.
 */
export function verdictCode({ summary, judgements }: Pick<StoredRun, 'summary' | 'judgements'>): 0 | 1 | 125 {
  const states = statesOf(summary, judgements).map(({ state }) => state);
  if (states.includes('missed')) return 1;
  return judgements.length > 0 && states.every((state) => state === 'measured') ? 0 : skip;
}

/**
 * An exit code of frostline as `git bisect run` is to have it: what is not the kernel's is 125, and wrong words (2),
 * which would be wrong for the next kernel too, end the bisection, as interrupts do already.
 */
export function bisectCode(code: number): number {
  if (code === 2) return stop;
  return code <= 1 || code >= stop ? code : skip;
}
