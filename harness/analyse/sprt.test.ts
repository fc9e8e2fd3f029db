import { describe, expect, it } from 'vitest';
import { sampleRecord } from '../record/sample.ts';
import { Sprt } from './sprt.ts';
import { randomOf } from '../testing/random.ts';

const of = { good: 0.98, bad: 0.8 };

/** Adds trials of a rate, four per boot, until there is a verdict. */
function decide(rate: number, random: () => number): { verdict: string | null; trials: number } {
  const test = new Sprt(of);
  let trials = 0;
  for (; trials < 1000 && test.verdict === null; trials++) {
    const outcome = random() < rate ? 'frozen' : 'not-frozen';
    test.add({ outcome, machine: { ...sampleRecord().machine, boot: `b${Math.floor(trials / 4)}` } });
  }
  return { verdict: test.verdict, trials };
}

describe("Wald's test", () => {
  it('is sure of a kernel that always freezes, and of one that loses half, after few trials', () => {
    expect(decide(1, () => 0)).toEqual({ verdict: 'good', trials: 30 });
    const random = randomOf(1);
    for (let i = 0; i < 200; i++) expect(decide(0.5, random).trials).toBeLessThan(30);
  });

  it('is wrong in about one case of a hundred at either rate', () => {
    const random = randomOf(2);
    const wrong = (rate: number, verdict: string): number =>
      Array.from({ length: 1000 }, () => decide(rate, random)).filter((one) => one.verdict === verdict)
        .length;
    // the limit plus three standard errors of 1000 draws
    expect(wrong(of.good, 'bad')).toBeLessThan(20);
    expect(wrong(of.bad, 'good')).toBeLessThan(20);
  });

  it('counts no error of ours, and takes nothing back', () => {
    const test = new Sprt(of);
    const record = (outcome: 'frozen' | 'not-frozen' | 'lab-error') => sampleRecord({ outcome });
    for (let i = 0; i < 100; i++) expect(test.add(record('lab-error'))).toBe(false);
    while (!test.isDecided()) test.add(record('not-frozen'));
    for (let i = 0; i < 100; i++) expect(test.add(record('frozen'))).toBe(false);
    expect(test.verdict).toBe('bad');
  });
});
