import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusteredRate, intraClass, quantile, wilson, type Cluster } from './interval.ts';

describe('wilson', () => {
  // SciPy 1.17.1: scipy.stats.binomtest(x, n).proportion_ci(method='wilson')
  it.each([
    [0, 20, 0, 0.161125158053],
    [20, 20, 0.838874841947, 1],
    [10, 20, 0.299298008198, 0.700701991802],
    [18, 20, 0.698966354772, 0.972133518786],
    [7, 8, 0.529111817787, 0.97758250855],
    [1, 1000, 0.000176546371, 0.005642558598],
  ])('of %i in %i is [%f, %f]', (frozen, trials, low, high) => {
    const interval = wilson(frozen, trials)!;
    expect(interval.low).toBeCloseTo(low, 11);
    expect(interval.high).toBeCloseTo(high, 11);
  });

  it('holds the rate, lies in [0, 1], mirrors with failures and narrows with trials', () => {
    const counts = fc
      .integer({ min: 1, max: 100_000 })
      .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
    fc.assert(
      fc.property(counts, ([x, n]) => {
        const { rate, low, high } = wilson(x, n)!;
        expect(0 <= low && low <= rate && rate <= high && high <= 1).toBe(true);
        const mirror = wilson(n - x, n)!;
        expect(mirror.low).toBeCloseTo(1 - high, 10);
        const more = wilson(4 * x, 4 * n)!;
        expect(more.high - more.low).toBeLessThan(high - low);
      }),
    );
    expect(wilson(0, 0)).toBeUndefined();
  });
});

/** Six boots of 6.12 on QEMU 10 with 20 trials each: one write of FROZEN in an exec storm. */
const sixBoots: readonly Cluster[] = [1, 3, 6, 6, 8, 8].map((frozen) => ({ frozen, trials: 20 }));

const alike = (boots: number, frozen: number, trials: number): Cluster[] =>
  Array.from({ length: boots }, () => ({ frozen, trials }));

describe('clusters', () => {
  // computed with NumPy from the analysis of variance and the formulas above clusteredRate, then Wilson's interval with
  // SciPy's t
  it('widen the interval of boots that differ', () => {
    const { rate, low, high, icc, deff } = clusteredRate(sixBoots)!;
    expect([rate, icc]).toEqual([32 / 120, expect.closeTo(0.051484536992103064, 12)]);
    expect(deff).toBeCloseTo(2.1318385023749653, 12);
    expect(low).toBeCloseTo(0.16244775185103486, 10);
    expect(high).toBeCloseTo(0.4053855557837026, 10);
  });

  it('of one trial each are independent trials', () => {
    const single = [...alike(3, 1, 1), ...alike(5, 0, 1)];
    expect(clusteredRate(single)).toEqual({ ...wilson(3, 8), icc: null, deff: 1, between: 0, effective: 8 });
  });

  it('tell no correlation when all trials end alike, or of one boot', () => {
    expect(intraClass([{ frozen: 3, trials: 8 }])).toBeNull();
    expect(intraClass(alike(3, 0, 8))).toBeNull();
    expect(intraClass(alike(3, 8, 8))).toBeNull();
    expect(intraClass([...alike(2, 8, 8), ...alike(2, 0, 8)])).toBe(1);
    expect(intraClass(alike(4, 4, 8))).toBeLessThan(0);
  });

  it.each([
    ['0 of 8 in two boots', alike(2, 0, 4), 0, 0.45],
    ['0 of 8 in four boots', alike(4, 0, 2), 0, 0.36],
    ['8 of 8 in one boot', alike(1, 8, 8), 0.45, 1],
    ['1 of 1', alike(1, 1, 1), 0.2, 1],
    ['50 of 50 in five boots', alike(5, 10, 10), 0.83, 1],
    ['100 of 100 in one boot', alike(1, 100, 100), 0.3, 1],
    ['half in two boots that are all different', [...alike(1, 0, 10), ...alike(1, 10, 10)], 0.05, 0.95],
  ])('of %s are sane', (_, clusters, least, most) => {
    const { low, high } = clusteredRate(clusters)!;
    expect(low).toBeGreaterThanOrEqual(least);
    expect(high).toBeLessThanOrEqual(most);
    expect(high - low).toBeGreaterThan(0.05);
  });

  it('never narrow an interval, in whatever order they come', () => {
    const cluster = fc
      .integer({ min: 1, max: 50 })
      .chain((trials) =>
        fc.record({ frozen: fc.integer({ min: 0, max: trials }), trials: fc.constant(trials) }),
      );
    fc.assert(
      fc.property(fc.array(cluster, { minLength: 1, maxLength: 8 }), (clusters) => {
        const { low, high, deff } = clusteredRate(clusters)!;
        const frozen = clusters.reduce((sum, one) => sum + one.frozen, 0);
        const plain = wilson(
          frozen,
          clusters.reduce((sum, one) => sum + one.trials, 0),
        )!;
        expect(low).toBeLessThanOrEqual(plain.low + 1e-12);
        expect(high).toBeGreaterThanOrEqual(plain.high - 1e-12);
        expect(deff).toBeGreaterThanOrEqual(1);
        expect(clusteredRate(clusters.toReversed())!.low).toBeCloseTo(low, 9);
      }),
    );
  });
});

describe('quantile', () => {
  // numpy.percentile(values, q, method='inverted_cdf')
  it.each([
    [[1, 2, 3, 4, 5, 6, 7, 8], 0.95, 8],
    [[1, 2, 3, 4, 5, 6, 7, 8], 0.5, 4],
    [[7], 0.95, 7],
    [Array.from({ length: 20 }, (_, i) => i + 1), 0.95, 19],
  ])('of %j at %f is %i', (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });

  it('of nothing is null', () => {
    expect(quantile([], 0.5)).toBeNull();
  });
});
