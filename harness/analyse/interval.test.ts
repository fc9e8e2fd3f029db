import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusteredRate, designEffect, quantile, wilson, type Cluster } from './interval.ts';

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

/** Six boots of 6.12 on QEMU 10, 20 trials each, one write of FROZEN in an exec storm. */
const sixBoots: readonly Cluster[] = [1, 3, 6, 6, 8, 8].map((frozen) => ({ frozen, trials: 20 }));

describe('clusters', () => {
  // Python 3 by the formula of Rao and Scott, then SciPy's Wilson on x / deff of n / deff
  it('widen the interval of boots that differ', () => {
    expect(designEffect(sixBoots)).toBeCloseTo(2.0113636363636362, 12);
    const widened = clusteredRate(sixBoots)!;
    expect(widened.rate).toBeCloseTo(32 / 120, 12);
    expect(widened.low).toBeCloseTo(0.17110497121589097, 12);
    expect(widened.high).toBeCloseTo(0.39045845490134967, 12);
  });

  it('of like boots leave the interval as it is', () => {
    const alike = Array.from({ length: 5 }, () => ({ frozen: 5, trials: 10 }));
    expect(clusteredRate(alike)).toEqual({ ...wilson(25, 50), deff: 1 });
  });

  it('tell nothing from one boot, or when all trials end alike', () => {
    expect(designEffect([{ frozen: 3, trials: 8 }])).toBeNull();
    expect(designEffect([0, 0, 0].map((frozen) => ({ frozen, trials: 8 })))).toBeNull();
    expect(designEffect([8, 8, 8].map((frozen) => ({ frozen, trials: 8 })))).toBeNull();
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
        expect(deff ?? 1).toBeGreaterThanOrEqual(1);
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
