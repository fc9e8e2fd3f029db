import { describe, expect, it } from 'vitest';
import { randomOf } from '../testing/random.ts';
import { testBoots } from './boots.ts';
import type { Cluster } from './interval.ts';
import { trialsForPower, trialsToTell } from './power.ts';

const boots = (count: number, frozen: number, trials: number): Cluster[] =>
  Array.from({ length: count }, () => ({ frozen, trials }));

describe('the trials that tell a difference', () => {
  it('are those of the formula', () => {
    // computed with Python's floats; with 1.2815515655446004 for a power of 90 % the first is R's 76.7 (example of
    // power.prop.test)
    expect(trialsForPower(0.5, 0.75)).toBeCloseTo(57.673436738908386, 9);
    expect(trialsForPower(0.15, 0.3)).toBeCloseTo(120.47193818474689, 9);
    expect(trialsForPower(0.75, 0.5)).toBe(trialsForPower(0.5, 0.75));
    expect(trialsForPower(0.5, 0.5)).toBe(Infinity);
  });

  it('are none when the difference is told, and no number when there is none to be seen', () => {
    expect(trialsToTell(boots(5, 5, 10), boots(5, 10, 10))).toBe(0);
    expect(trialsToTell(boots(1, 9, 10), boots(1, 1, 1))).toBe(Infinity);
    // 5 of 8 against 8 of 8, in four machines
    const [some, all] = [[2, 1, 1, 1].map((frozen) => ({ frozen, trials: 2 })), boots(4, 2, 2)];
    expect(trialsToTell(some, all)).toBeGreaterThan(16);
    expect(trialsToTell(some, all)).toBeLessThan(64);
  });

  it('tell it in some 80 % of cases by the test that is used', () => {
    const random = randomOf(7);
    const draw = (rate: number, count: number): Cluster[] =>
      Array.from({ length: count }, () => {
        const trials = [0, 1, 2, 3].map(() => (random() < rate ? 1 : 0));
        return { frozen: trials.reduce<number>((sum, one) => sum + one, 0), trials: 4 };
      });
    for (const [a, b] of [
      [0.6, 0.9],
      [0.3, 0.6],
      [0.5, 0.95],
    ] as const) {
      // the formula assumes independent trials, while the test allows for boots that differ: slightly lower power
      const deff = 1 + 3 * 0.1;
      const count = Math.ceil((trialsForPower(a, b) * deff) / 4);
      const told = Array.from({ length: 1000 }, () => testBoots(draw(a, count), draw(b, count))!);
      const share = told.filter((p) => p <= 0.05).length / told.length;
      expect(share).toBeGreaterThan(0.7);
      expect(share).toBeLessThan(0.92);
    }
  });
});
