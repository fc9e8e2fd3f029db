/** The verdict on a candidate; `skip`: it cannot be tested. */
export type Finding = 'good' | 'bad' | 'skip';

/** Where candidates turn from good to bad. */
export interface Border<T> {
  /** Null when no candidate is good; `firstBad` likewise when none is bad. */
  readonly lastGood: T | null;
  readonly firstBad: T | null;
  /** Candidates between the two that could not be tested. */
  readonly between: readonly T[];
}

/**
 * Finds where candidates, in the given order, turn from good to bad, as git-bisect(1) does: it tests both ends first,
 * then always the middle of what is left, or its nearest neighbour when that cannot be tested. `judge` is called at
 * most once per candidate, with the number of candidates left.
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
  // when an end cannot be tested, try the next candidate inwards
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
