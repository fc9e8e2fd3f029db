import { describe, expect, it } from 'vitest';
import { sampleRecord } from '../record/sample.ts';
import type { Bound, Measure } from '../matrix/expectation.ts';
import type { Expectation } from '../matrix/matrix.ts';
import type { TrialRecord } from '../record/schema.ts';
import type { ThawOutcome } from '../trial/outcome.ts';
import { judge, verdictOf } from './expect.ts';
import { exitCode, statesOf } from './state.ts';
import { wilson } from './interval.ts';
import { summarise } from './summarise.ts';
import { cellName, type RunName } from './summary.ts';

describe('the verdict on a rate', () => {
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
    const { rate, low, high } = wilson(frozen, trials)!;
    const found = { value: rate, low, high, of: { count: frozen, trials } };
    expect(verdictOf(found, { op, value })).toBe(verdict);
  });
});

describe('the verdict on a time', () => {
  // low, value and high in ms
  it.each([
    ['<=', 500, 90, 101, 500, 'met'],
    ['<', 500, 90, 101, 500, 'undecided'],
    ['<=', 500, 90, 101, 812, 'undecided'],
    ['<=', 500, 90, 101, Infinity, 'undecided'],
    ['<=', 500, 501, 600, Infinity, 'missed'],
    ['<=', 500, Infinity, Infinity, Infinity, 'missed'],
    ['>', 500, 501, 600, Infinity, 'met'],
  ] as const)('%s %i of [%i, %i, %i] is %5$s', (...[op, value, low, middle, high, verdict]) => {
    expect(verdictOf({ low, value: middle, high, of: null }, { op, value })).toBe(verdict);
  });
});

describe('an expectation', () => {
  const run: RunName = { id: 'r', name: 'n', started: null, status: 'finished', trials: 40, lab: null };
  const id = sampleRecord().cell;
  const verdicts = async (records: TrialRecord[], ...bounds: Bound[]): Promise<unknown[]> => {
    const summary = await summarise({ run, cells: [cellName(id)], records });
    const expected = bounds.map((bound): Expectation => ({ where: {}, ...bound }));
    return judge(summary, expected).map(({ expected: { of }, verdict, found }) => [of, verdict, found.value]);
  };
  const bound = (of: Measure, op: Bound['op'], value: number): Bound => ({ of, op, value, text: '' });
  const trials = (count: number, change: (trial: number) => Partial<TrialRecord>): TrialRecord[] =>
    Array.from({ length: count }, (_, trial) =>
      sampleRecord({
        trial,
        machine: { ...sampleRecord().machine, boot: `boot-${trial}` },
        ...change(trial),
      }),
    );
  const frozenUs = (trial: number): Partial<TrialRecord> => ({ frozenUs: 1000 * (trial + 1) });

  it('of a time is judged on all trials: one that did not freeze is later than any', async () => {
    const bounds = [bound('p50', '<=', 40_000), bound('p95', '<=', 200_000), bound('p99', '<=', 1e9)];
    expect(await verdicts(trials(100, frozenUs), ...bounds)).toEqual([
      ['p50', 'undecided', 50_000],
      ['p95', 'met', 95_000],
      ['p99', 'undecided', 99_000],
    ]);
    const half = trials(100, (trial) =>
      trial % 2 === 0 ? frozenUs(trial) : { outcome: 'not-frozen', frozenUs: null },
    );
    expect(await verdicts(half, bounds[1]!)).toEqual([['p95', 'missed', Infinity]]);
  });

  it('of a time knows of boots', async () => {
    const oneBoot = trials(100, frozenUs).map((record, i) => ({
      ...record,
      machine: { ...record.machine, boot: `boot-${i % 4}` },
    }));
    expect(await verdicts(oneBoot, bound('p95', '<=', 200_000))).toEqual([['p95', 'undecided', 95_000]]);
  });

  it('of casualties, thaws and crashes is of their share', async () => {
    const thaw = (outcome: ThawOutcome): TrialRecord['thaw'] => ({ outcome, us: 5, casualties: 0 });
    const records = [
      ...trials(40, (trial) => ({ thaw: thaw(trial === 0 ? 'casualties' : 'thawed') })),
      ...trials(1, () => ({ trial: 40, outcome: 'kernel-crash', thaw: null, reason: 'a panic' })),
    ];
    const bounds = [
      bound('casualties', '==', 0),
      bound('casualties', '<=', 0.2),
      bound('thawed', '>=', 0.99),
      bound('crashes', '==', 0),
      bound('done', '>=', 0.5),
    ];
    expect(await verdicts(records, ...bounds)).toEqual([
      ['casualties', 'missed', 1 / 40],
      ['casualties', 'met', 1 / 40],
      ['thawed', 'undecided', 39 / 40],
      ['crashes', 'missed', 1 / 41],
    ]);
  });

  it('of crashes is judged of a cell in which all crashed', async () => {
    const crash = trials(2, () => ({ outcome: 'kernel-crash', thaw: null, reason: 'a panic' }));
    expect(await verdicts(crash, bound('crashes', '==', 0), bound('rate', '>=', 0.5))).toEqual([
      ['crashes', 'missed', 1],
    ]);
  });
});

describe('exitCode', () => {
  const run: RunName = { id: 'r', name: 'n', started: null, status: 'finished', trials: 1, lab: null };
  const cell = cellName(sampleRecord().cell);
  const other = cellName('debian-13/v1/none/sleep/single');
  const expectation = (value: number, distro: string): Expectation => ({
    where: { distro: [distro] },
    ...{ of: 'rate', op: '==', value, text: `== ${value}` },
  });

  it('is 1 when a cell missed, 69 when one was not measured and none missed, else 0', async () => {
    const whole = await summarise({ run, cells: [cell], records: [sampleRecord()] });
    const gap = await summarise({ run, cells: [cell, other], records: [sampleRecord()] });
    const met = expectation(1, 'debian-12');
    const missed = expectation(0, 'debian-12');
    const unmeasured = expectation(0, 'debian-13');
    expect(exitCode(statesOf(whole, judge(whole, [met])))).toBe(0);
    expect(exitCode(statesOf(gap, judge(gap, [met, unmeasured])))).toBe(69);
    expect(exitCode(statesOf(gap, judge(gap, [missed])))).toBe(1);
    expect(judge(gap, [unmeasured])).toEqual([]);
  });
});
