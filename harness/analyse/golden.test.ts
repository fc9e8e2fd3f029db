import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaCdf, betaQuantile, logGamma, studentQuantile } from './beta.ts';
import { newcombe } from './contrast.ts';
import { fisherExact, holm } from './exact.ts';
import { clopperPearson, wilson } from './interval.ts';
import { kaplanMeier, quantileInterval } from './times.ts';

type Pair = readonly [number, number];

/** Results of SciPy and statsmodels; fixtures/README.md has the script that printed them. */
const golden = JSON.parse(readFileSync(new URL('fixtures/scipy.json', import.meta.url), 'utf8')) as {
  readonly logGamma: readonly Pair[];
  readonly betaCdf: readonly (readonly [number, number, number, number])[];
  readonly betaQuantile: readonly (readonly [number, number, number, number])[];
  readonly studentQuantile: readonly (readonly [number, number, number])[];
  readonly wilson: readonly (readonly [number, number, number, number])[];
  readonly clopperPearson: readonly (readonly [number, number, number, number])[];
  readonly newcombe: readonly (readonly [Pair, Pair, number, number])[];
  readonly fisher: readonly (readonly [Pair, Pair, number])[];
  readonly holm: readonly (readonly [readonly number[], readonly number[]])[];
  readonly times: readonly number[];
  readonly quantile: readonly (readonly [number, number, number | null, number | null])[];
  readonly kaplanMeier: readonly (readonly [
    readonly number[],
    readonly number[],
    readonly (readonly [number, number, number | null, number | null])[],
  ])[];
};

/** The error of a value: absolute, or relative when the known value is larger than 1. */
const off = (found: number, known: number): number => Math.abs(found - known) / Math.max(1, Math.abs(known));
const counts = ([frozen, trials]: Pair): { frozen: number; trials: number } => ({ frozen, trials });

describe('as SciPy and statsmodels have it to 1e-10', () => {
  it.each(golden.logGamma)('logGamma(%f)', (x, known) => expect(off(logGamma(x), known)).toBeLessThan(1e-10));

  it.each(golden.betaCdf)('betaCdf(%f, %f, %f)', (x, a, b, known) =>
    expect(off(betaCdf(x, a, b), known)).toBeLessThan(1e-10),
  );

  it.each(golden.betaQuantile)('betaQuantile(%f, %f, %f)', (q, a, b, known) =>
    expect(off(betaQuantile(q, a, b), known)).toBeLessThan(1e-10),
  );

  it.each(golden.studentQuantile)('studentQuantile(%f, %f)', (q, df, known) =>
    expect(off(studentQuantile(q, df), known)).toBeLessThan(1e-10),
  );

  it.each(golden.wilson)('wilson(%i, %i)', (x, n, low, high) => {
    expect(off(wilson(x, n)!.low, low)).toBeLessThan(1e-10);
    expect(off(wilson(x, n)!.high, high)).toBeLessThan(1e-10);
  });

  it.each(golden.clopperPearson)('clopperPearson(%i, %i)', (x, n, low, high) => {
    expect(off(clopperPearson(x, n)!.low, low)).toBeLessThan(1e-10);
    expect(off(clopperPearson(x, n)!.high, high)).toBeLessThan(1e-10);
  });

  it.each(golden.newcombe)('newcombe of %j and %j', (a, b, low, high) => {
    const difference = newcombe(wilson(...b)!, wilson(...a)!);
    expect(off(difference.low, low)).toBeLessThan(1e-10);
    expect(off(difference.high, high)).toBeLessThan(1e-10);
  });

  it.each(golden.fisher)('fisherExact of %j and %j', (a, b, known) =>
    expect(off(fisherExact(counts(a), counts(b)), known)).toBeLessThan(1e-10),
  );

  it.each(golden.holm)('holm of %j', (values, known) => {
    for (const [i, p] of holm(values).entries()) expect(off(p!, known[i]!)).toBeLessThan(1e-10);
  });

  it.each(golden.quantile)('quantileInterval of the first %i times at %f', (n, q, low, high) => {
    const found = quantileInterval(golden.times.slice(0, n), q)!;
    expect([found.low, found.high]).toEqual([low ?? 0, high ?? Infinity]);
  });

  it.each(golden.kaplanMeier)('kaplanMeier of %j, and until %j', (reached, censored, known) => {
    const steps = kaplanMeier(reached, censored);
    expect(steps.map(({ at }) => at)).toEqual(known.map(([at]) => at));
    for (const [i, { share, low, high }] of steps.entries()) {
      const [, knownShare, knownLow, knownHigh] = known[i]!;
      expect(off(share, knownShare)).toBeLessThan(1e-10);
      // where SciPy has no interval, ours is this wide
      expect(off(low, knownLow ?? steps[i - 1]?.low ?? 0)).toBeLessThan(1e-10);
      expect(off(high, knownHigh ?? 1)).toBeLessThan(1e-10);
    }
  });
});

const drawn = fc
  .integer({ min: 1, max: 2000 })
  .chain((trials) => fc.record({ frozen: fc.integer({ min: 0, max: trials }), trials: fc.constant(trials) }));

describe('whatever the counts', () => {
  it('betaQuantile is the inverse of betaCdf', () => {
    const shape = fc.double({ min: 0.5, max: 500, noNaN: true });
    const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(share, shape, shape, (q, a, b) => {
        expect(betaCdf(betaQuantile(q, a, b), a, b)).toBeCloseTo(q, 8);
      }),
    );
  });

  it('Clopper and Pearson hold the rate, mirror with failures, and are no narrower than 95 % wants', () => {
    fc.assert(
      fc.property(drawn, ({ frozen, trials }) => {
        const { rate, low, high } = clopperPearson(frozen, trials)!;
        expect(0 <= low && low <= rate && rate <= high && high <= 1).toBe(true);
        expect(clopperPearson(trials - frozen, trials)!.low).toBeCloseTo(1 - high, 10);
      }),
    );
    expect(clopperPearson(0, 0)).toBeUndefined();
  });

  it('Fisher finds a probability, the same from either side and of failures', () => {
    fc.assert(
      fc.property(drawn, drawn, (a, b) => {
        const p = fisherExact(a, b);
        expect(p >= 0 && p <= 1).toBe(true);
        expect(fisherExact(b, a)).toBeCloseTo(p, 9);
        const failed = (of: typeof a): typeof a => ({ ...of, frozen: of.trials - of.frozen });
        expect(fisherExact(failed(a), failed(b))).toBeCloseTo(p, 9);
      }),
      { numRuns: 50 },
    );
  });

  it('Holm raises, keeps the order, and passes over what has no p', () => {
    const values = fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 20 });
    fc.assert(
      fc.property(values, (ps) => {
        const adjusted = holm(ps);
        expect(adjusted.map((p) => p === null)).toEqual(ps.map((p) => p === null));
        const pairs = ps.flatMap((p, i) => (p === null ? [] : [{ p, raised: adjusted[i]! }]));
        expect(pairs.every(({ p, raised }) => raised >= p)).toBe(true);
        const inOrder = pairs.sort((a, b) => a.p - b.p).map(({ raised }) => raised);
        expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
      }),
    );
  });

  it('a quantile lies in its interval, which is wider when fewer values count', () => {
    const values = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.9, 0.95), (times, q) => {
        const sorted = times.toSorted((a, b) => a - b);
        const { value, low, high } = quantileInterval(sorted, q)!;
        expect(low <= value && value <= high).toBe(true);
        const fewer = quantileInterval(sorted, q, sorted.length / 2)!;
        expect(fewer.low <= value && value <= fewer.high).toBe(true);
      }),
    );
    expect(quantileInterval([], 0.5)).toBeNull();
  });

  it('without censoring the curve is the share that got there', () => {
    const values = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(values, (times) => {
        let last = 0;
        for (const { at, share, low, high } of kaplanMeier(times, [])) {
          expect(share).toBeCloseTo(times.filter((time) => time <= at).length / times.length, 12);
          expect(0 <= low && low <= share && share <= high && high <= 1 && share > last).toBe(true);
          last = share;
        }
      }),
    );
  });
});
