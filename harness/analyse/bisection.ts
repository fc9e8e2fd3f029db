/** What a candidate is; `skip`: it cannot be told. */
export type Finding = 'good' | 'bad' | 'skip';

/** Where good turns into bad. */
export interface Border<T> {
  /** Null: none is. */
  readonly lastGood: T | null;
  readonly firstBad: T | null;
  /** Those between the two, which could not be told. */
  readonly between: readonly T[];
}

/**
 * Finds where candidates, in their order, turn from good to bad, as git-bisect(1) does: the ends are looked at first, then
 * the middle of what is left; of one that cannot be told its neighbours. `judge` is asked once for each, and is told how
 * many are left to choose from.
 */
export async function bisect<T>(
  candidates: readonly T[],
  judge: (one: T, left: number) => Promise<Finding>,
): Promise<Border<T>> {
  const found = new Map<number, Finding>();
  const ask = async (at: number, left: number): Promise<Finding> => {
    const finding = await judge(candidates[at]!, left);
    found.set(at, finding);
    return finding;
  };
  let [good, bad] = [-1, candidates.length];
  const known = (): number => bad - good - 1;
  // an end that cannot be told gives way to the next one
  for (let at = 0; at < candidates.length && good < 0 && bad === candidates.length; at++) {
    const finding = await ask(at, known());
    if (finding === 'good') good = at;
    if (finding === 'bad') bad = at;
  }
  for (let at = candidates.length - 1; at > good && good >= 0 && bad === candidates.length; at--) {
    const finding = await ask(at, known());
    if (finding === 'bad') bad = at;
    if (finding === 'good') good = at;
  }
  while (good >= 0 && bad < candidates.length) {
    const open = indices(good + 1, bad).filter((at) => !found.has(at));
    const middle = (good + bad) / 2;
    const [next] = open.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    if (next === undefined) break;
    const finding = await ask(next, open.length);
    if (finding === 'good') good = next;
    if (finding === 'bad') bad = next;
  }
  return {
    lastGood: candidates[good] ?? null,
    firstBad: candidates[bad] ?? null,
    between: good >= 0 && bad < candidates.length ? candidates.slice(good + 1, bad) : [],
  };
}

const indices = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
