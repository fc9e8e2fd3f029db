import { describe, expect, it } from 'vitest';
import { sampleRecord } from '../record/sample.ts';
import type { Expectation } from '../matrix/matrix.ts';
import { exitCode, judge, judgeRate } from './expect.ts';
import { wilson } from './interval.ts';
import { summarise } from './summarise.ts';
import { cellName, type RunName } from './summary.ts';

describe('judgeRate', () => {
  it.each([
    ['>=', 0.99, 20, 20, 'undecided'],
    ['>=', 0.8, 20, 20, 'met'],
    ['>=', 0.99, 10, 20, 'missed'],
    ['>=', 1, 20, 20, 'met'],
    ['>=', 1, 19, 20, 'missed'],
    ['<=', 0.2, 0, 20, 'met'],
    ['<=', 0.2, 2, 20, 'undecided'],
    ['<=', 0.2, 18, 20, 'missed'],
    ['<=', 0, 0, 20, 'met'],
    ['>', 0.5, 20, 20, 'met'],
    ['>', 0.5, 10, 20, 'undecided'],
    ['<', 0.5, 20, 20, 'missed'],
    ['==', 0, 0, 1, 'met'],
    ['==', 0, 1, 1000, 'missed'],
    ['==', 1, 20, 20, 'met'],
    ['==', 1, 999, 1000, 'missed'],
    ['==', 0.5, 10, 20, 'undecided'],
    ['==', 0.5, 20, 20, 'missed'],
  ] as const)('%s %f of %i in %i is %5$s', (...[op, value, frozen, trials, verdict]) => {
    expect(judgeRate(wilson(frozen, trials)!, { op, value })).toBe(verdict);
  });
});

describe('exitCode', () => {
  const run: RunName = { id: 'r', name: 'n', started: null, status: 'finished', trials: 1, lab: null };
  const cell = cellName(sampleRecord().cell);
  const other = cellName('debian-13/v1/none/sleep/single');
  const expectation = (value: number, distro: string): Expectation => ({
    where: { distro: [distro] },
    rate: { op: '==', value },
  });

  it('is 1 when a cell missed, 69 when one was not measured and none missed, else 0', async () => {
    const whole = await summarise({ run, cells: [cell], records: [sampleRecord()] });
    const gap = await summarise({ run, cells: [cell, other], records: [sampleRecord()] });
    const met = expectation(1, 'debian-12');
    const missed = expectation(0, 'debian-12');
    const unmeasured = expectation(0, 'debian-13');
    expect(exitCode(whole, judge(whole, [met]))).toBe(0);
    expect(exitCode(gap, judge(gap, [met, unmeasured]))).toBe(69);
    expect(exitCode(gap, judge(gap, [missed]))).toBe(1);
    expect(judge(gap, [unmeasured])).toEqual([]);
  });
});
