import { describe, expect, it } from 'vitest';
import { candidates, cover, scenarios, stop, type Coverage } from '../testing/coverage.ts';

/** Results over all scenarios of an intra-class correlation; scripts/coverage.ts prints them for every candidate. */
function over(name: string, icc: number, times: number): { mean: number; least: number; width: number } {
  const all: Coverage[] = scenarios(icc).map((one) => cover(candidates[name]!, one, times));
  const mean = (of: (one: Coverage) => number): number =>
    all.reduce((sum, one) => sum + of(one), 0) / all.length;
  return {
    mean: mean(({ held }) => held),
    least: Math.min(...all.map(({ held }) => held)),
    width: mean(({ width }) => width),
  };
}

const chosen = 'weighed correlation, t';

// 63 scenarios of 300 cells: the mean is accurate to 0.2 points, the minimum to 3
describe('the interval of a rate, simulated at 4 to 10 boots of 5 to 25 trials', () => {
  it.each([
    { icc: 0, mean: 0.95, least: 0.92, width: 0.22 },
    { icc: 0.05, mean: 0.95, least: 0.9, width: 0.24 },
    { icc: 0.2, mean: 0.945, least: 0.86, width: 0.29 },
    { icc: 0.5, mean: 0.92, least: 0.72, width: 0.35 },
  ])('holds the rate often enough at a correlation of $icc, and is not too wide', (floor) => {
    const { mean, least, width } = over(chosen, floor.icc, 300);
    expect(mean).toBeGreaterThan(floor.mean);
    expect(least).toBeGreaterThan(floor.least);
    expect(width).toBeLessThan(floor.width);
  });

  it.each([
    'independent trials (Wilson)',
    'design effect (Rao and Scott 1992)',
    'bootstrap of boots, percentiles',
  ])('holds it more often than %s', (other) => {
    for (const icc of [0.2, 0.5])
      expect(over(other, icc, 30).mean).toBeLessThan(over(chosen, icc, 30).mean - 0.02);
  });

  it('is narrower than Korn and Graubard have it', () => {
    for (const icc of [0, 0.05, 0.2, 0.5])
      expect(over(chosen, icc, 30).width).toBeLessThan(over('Korn and Graubard 1998', icc, 30).width * 0.85);
  });
});

// 200 runs each: accurate to 3 points
describe('the bounds of a cell that is measured until its rate is known, simulated at rounds of five boots', () => {
  const sampling = { min: 10, halfWidth: 0.1 };

  it.each([0, 0.05, 0.2])('hold the rate at every trial in 95 %% of runs at a correlation of %d', (icc) => {
    for (const rate of [0.05, 0.5, 0.95])
      expect(stop({ rate, icc }, sampling, 200).always).toBeGreaterThan(0.95 - 0.03);
  });

  it('take few trials where the rate is sure, and many where it is not', () => {
    expect(stop({ rate: 0.99, icc: 0.05 }, sampling, 100).trials).toBeLessThan(40);
    expect(stop({ rate: 0.5, icc: 0.05 }, sampling, 100).trials).toBeGreaterThan(180);
  });
});
