import { logChoose } from './beta.ts';

/** Frozen and failed trials on one side. */
export interface Counts {
  readonly frozen: number;
  readonly trials: number;
}

/**
 * Fisher's exact test of two rates of independent trials, two-sided: the probability, with both margins fixed, of all
 * tables no likelier than the observed one (R. A. Fisher, Statistical Methods for Research Workers, 1934).
 */
export function fisherExact(a: Counts, b: Counts): number {
  const frozen = a.frozen + b.frozen;
  const all = logChoose(a.trials + b.trials, frozen);
  const logOf = (x: number): number => logChoose(a.trials, x) + logChoose(b.trials, frozen - x) - all;
  // tables as likely as the observed one may differ from it in the last bits
  const seen = logOf(a.frozen) + 1e-7;
  let p = 0;
  for (let x = Math.max(0, frozen - b.trials); x <= Math.min(a.trials, frozen); x++) {
    const log = logOf(x);
    if (log <= seen) p += Math.exp(log);
  }
  return Math.min(1, p);
}

/**
 * Corrects the p-values of several tests: the probability of any false one below a bound is at most that bound (S.
 * Holm, Scandinavian Journal of Statistics 6, 1979, pp. 65-70). Keeps the order; null stays null and does not count as
 * a test.
 */
export function holm(values: readonly (number | null)[]): (number | null)[] {
  const order = values
    .flatMap((p, index) => (p === null ? [] : [{ p, index }]))
    .sort((one, other) => one.p - other.p);
  const adjusted: (number | null)[] = values.map(() => null);
  let highest = 0;
  for (const [rank, { p, index }] of order.entries()) {
    highest = Math.max(highest, Math.min(1, p * (order.length - rank)));
    adjusted[index] = highest;
  }
  return adjusted;
}
