import { describe, expect, it } from 'vitest';
import { advise } from './advice.ts';
import type { Cluster } from './interval.ts';

const boots = (trials: number, ...frozen: number[]): Cluster[] => frozen.map((n) => ({ frozen: n, trials }));

describe('advice', () => {
  it('is for boots that differ: more of them help, more trials in each hardly', () => {
    const { now, twiceTheMachines, twiceTheTrials, ...of } = advise(boots(25, 2, 20, 11, 24))!;
    expect(of).toEqual({ boots: 4, trials: 100 });
    expect(now).toBeLessThan(20);
    expect(twiceTheMachines).toBe(2 * now);
    expect(twiceTheTrials).toBeLessThan(1.2 * now);
  });

  it.each([
    ['boots that differ by chance alone', boots(10, 5, 6, 4, 5)],
    ['boots that are all alike', boots(25, 25, 25, 25, 25)],
    ['one boot', boots(100, 50)],
    ['boots of one trial', boots(1, 1, 0, 1)],
    ['nothing', []],
  ])('is not for %s', (_, clusters) => {
    expect(advise(clusters)).toBeNull();
  });
});
