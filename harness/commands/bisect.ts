import { statesOf } from '../analyse/state.ts';
import type { StoredRun } from './stored-run.ts';

/** Exit codes of git-bisect(1): "this one cannot be tested", and the lowest that aborts the bisection. */
const skip = 125;
const stop = 128;

/**
 * The verdict of a run on its kernel for `git bisect run`: bad (1) when a cell missed its expectation, good (0) when
 * every cell was measured in full and every expectation is surely met, else neither (125). A kernel that crashes
 * without an expectation of `crashes` is neither too: the cause may not be the one that is sought.
 */
export function verdictCode({ summary, judgements }: Pick<StoredRun, 'summary' | 'judgements'>): 0 | 1 | 125 {
  const states = statesOf(summary, judgements).map(({ state }) => state);
  if (states.includes('missed')) return 1;
  return judgements.length > 0 && states.every((state) => state === 'measured') ? 0 : skip;
}

/**
 * Translates an exit code of frostline for `git bisect run`: failures that are not the kernel's become 125. A usage
 * error (2), which would recur on every kernel, ends the bisection, as interrupts already do.
 */
export function bisectCode(code: number): number {
  if (code === 2) return stop;
  return code <= 1 || code >= stop ? code : skip;
}
