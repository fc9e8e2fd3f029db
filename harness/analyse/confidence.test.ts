import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleRecord } from '../record/sample.ts';
import { confidenceSequence } from './confidence.ts';
import { clusteredRate, type Cluster } from './interval.ts';
import { Sampler } from './sampler.ts';

const alone = (frozen: number, trials: number): Cluster[] =>
  Array.from({ length: trials }, (_, i) => ({ frozen: Number(i < frozen), trials: 1 }));

describe('a confidence sequence', () => {
  // independent trials: the p where beta(x + 1/2, n - x + 1/2) / beta(1/2, 1/2) / (p^x (1 - p)^(n - x)) is 20, by
  // Python's math.lgamma and 200 halvings
  it.each([
    { frozen: 0, trials: 10, low: 0, high: 0.3769873509906773 },
    { frozen: 20, trials: 20, low: 0.7759938879872172, high: 1 },
    { frozen: 5, trials: 10, low: 0.11756292407956943, high: 0.8824370759204306 },
    { frozen: 100, trials: 200, low: 0.380596694310028, high: 0.619403305689972 },
  ])('of $frozen of $trials is as Robbins has it', ({ frozen, trials, low, high }) => {
    const bounds = confidenceSequence(alone(frozen, trials))!;
    expect([bounds.low, bounds.high]).toEqual([expect.closeTo(low, 12), expect.closeTo(high, 12)]);
  });

  it('holds the rate, is wider than an interval at one number of trials, and mirrors', () => {
    const boot = fc
      .integer({ min: 1, max: 20 })
      .chain((trials) =>
        fc.record({ frozen: fc.integer({ min: 0, max: trials }), trials: fc.constant(trials) }),
      );
    fc.assert(
      fc.property(fc.array(boot, { minLength: 1, maxLength: 10 }), (boots) => {
        const { rate, low, high } = confidenceSequence(boots)!;
        const fixed = clusteredRate(boots)!;
        expect(0 <= low && low <= rate && rate <= high && high <= 1).toBe(true);
        expect(high - low).toBeGreaterThan((fixed.high - fixed.low) * 0.9);
        const mirrored = boots.map(({ frozen, trials }) => ({ frozen: trials - frozen, trials }));
        expect(confidenceSequence(mirrored)!.low).toBeCloseTo(1 - high, 9);
      }),
    );
    expect(confidenceSequence([])).toBeUndefined();
  });
});

describe('a sampler', () => {
  const record = (outcome: 'frozen' | 'not-frozen' | 'lab-error', boot: string) =>
    sampleRecord({ cell: 'c', outcome, machine: { ...sampleRecord().machine, boot } });

  it('tells a sure cell early, once, and not before the least number of trials', () => {
    const sampler = new Sampler({ min: 10, halfWidth: 0.1 });
    const told = Array.from({ length: 40 }, (_, i) => sampler.add(record('frozen', `b${i % 10}`)));
    expect(told.filter(Boolean)).toHaveLength(1);
    expect(told.indexOf(true)).toBeGreaterThan(20);
    expect(sampler.isDecided('c')).toBe(true);
    expect(sampler.isDecided('d')).toBe(false);
    const lax = new Sampler({ min: 10, halfWidth: 0.5 });
    expect(Array.from({ length: 10 }, () => lax.add(record('frozen', 'b'))).indexOf(true)).toBe(9);
  });

  it('needs more trials of a doubtful cell, and counts no error of ours', () => {
    const sampler = new Sampler({ min: 10, halfWidth: 0.1 });
    for (let i = 0; i < 40; i++) sampler.add(record(i % 2 === 0 ? 'frozen' : 'not-frozen', `b${i % 10}`));
    for (let i = 0; i < 1000; i++) sampler.add(record('lab-error', `b${i % 10}`));
    expect(sampler.isDecided('c')).toBe(false);
  });

  it('of a fixed number of trials never tells', () => {
    const sampler = new Sampler(null);
    expect(Array.from({ length: 500 }, () => sampler.add(record('frozen', 'b'))).includes(true)).toBe(false);
  });
});
