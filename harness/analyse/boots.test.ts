import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { studentTails } from './beta.ts';
import { testBoots } from './boots.ts';
import type { Cluster } from './interval.ts';
import { randomOf } from '../testing/random.ts';

const boots = (...frozen: number[]): Cluster[] => frozen.map((n) => ({ frozen: n, trials: 10 }));

describe("Student's t", () => {
  // 2 * scipy.stats.t.sf(t, df), SciPy 1.17.1
  it.each([
    { t: 0.5, df: 1, p: 0.7048327646991335 },
    { t: 12.7, df: 1, p: 0.050024327689344165 },
    { t: 2.2, df: 2, p: 0.15880897580794018 },
    { t: 3.1, df: 5, p: 0.026853184190035198 },
    { t: 6.7, df: 8, p: 0.00015270612086287796 },
    { t: 1.3, df: 9, p: 0.22590637267304933 },
    { t: 14.4, df: 6, p: 7.024228803371983e-6 },
    { t: 4.2, df: 38, p: 0.00015531325124916952 },
  ])('is beyond $t with a probability of $p for $df degrees of freedom', ({ t, df, p }) => {
    expect(Math.abs(studentTails(t, df) - p)).toBeLessThan(1e-13);
  });
});

describe('a test of boots', () => {
  it('is sure of what five boots and five can show, after a correction for a hundred cells', () => {
    expect(testBoots(boots(10, 10, 10, 10, 10), boots(0, 0, 0, 0, 0))!).toBeLessThan(1e-7);
    expect(testBoots(boots(10, 10, 10, 10, 10), boots(5, 4, 6, 5, 5))! * 100).toBeLessThan(0.05);
    expect(testBoots(boots(10, 10, 10, 10, 10), boots(9, 10, 10, 10, 10))!).toBeGreaterThan(0.3);
  });

  it('doubts a difference that boots of one side have among themselves', () => {
    const sure = testBoots(boots(9, 9, 9, 9), boots(5, 5, 5, 5))!;
    const unsure = testBoots(boots(9, 9, 9, 9), boots(10, 10, 0, 0))!;
    expect(sure).toBeLessThan(0.01);
    expect(unsure).toBeGreaterThan(0.1);
    expect(testBoots(boots(10), boots(0, 0))).toBeNull();
  });

  it('of boots of one trial each is that of Fisher', () => {
    const one = (frozen: number): Cluster => ({ frozen, trials: 1 });
    const p = testBoots([1, 1, 1, 1, 0].map(one), [0, 0, 0, 0, 1].map(one));
    expect(p).toBeCloseTo(0.20634920634920634, 12);
  });

  it('is as likely whichever side is named first', () => {
    const side = fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(side, side, (a, b) => {
        const p = testBoots(boots(...a), boots(...b))!;
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(testBoots(boots(...b), boots(...a))).toBeCloseTo(p, 12);
      }),
    );
  });

  it('keeps its error, 0.05 and 0.001, where boots differ (beta-binomial, intra-class correlation 0 to 0.3)', () => {
    const random = randomOf(1);
    for (const icc of [0, 0.1, 0.3]) {
      for (const [count, trials] of [
        [4, 5],
        [5, 10],
        [10, 20],
      ] as const) {
        const found = Array.from({ length: 2000 }, () =>
          testBoots(drawBoots(random, { count, trials, icc }), drawBoots(random, { count, trials, icc }))!,
        );
        const share = (level: number): number => found.filter((p) => p <= level).length / found.length;
        // the level plus three standard errors of 2000 draws
        expect(share(0.05)).toBeLessThan(0.05 + 0.015);
        expect(share(0.001)).toBeLessThan(0.001 + 0.004);
      }
    }
  });
});

/** Boots with a mean rate of 1/2 whose own rates vary: Pólya's urn draws from a beta-binomial distribution. */
function drawBoots(
  random: () => number,
  { count, trials, icc }: { count: number; trials: number; icc: number },
): Cluster[] {
  const weight = icc === 0 ? Number.POSITIVE_INFINITY : (1 / icc - 1) / 2;
  return Array.from({ length: count }, () => {
    let frozen = 0;
    for (let i = 0; i < trials; i++) {
      const rate = icc === 0 ? 0.5 : (weight + frozen) / (2 * weight + i);
      if (random() < rate) frozen++;
    }
    return { frozen, trials };
  });
}
