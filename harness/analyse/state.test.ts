import { describe, expect, it } from 'vitest';
import type { TrialRecord } from '../record/schema.ts';
import { trialsOf } from '../testing/stored.ts';
import { exitCode, statesOf, type CellState } from './state.ts';
import { summarise } from './summarise.ts';
import { cellName, type RunName } from './summary.ts';

const cell = 'debian-12/v1/none/sleep/single';
const finished: RunName = { id: 'r', name: 'n', started: null, status: 'finished', trials: 20, lab: null };
const sampled: RunName = { ...finished, trials: 200, sampling: { min: 10, halfWidth: 0.2 } };
const given = [{ cell, reason: 'no network' }];

/** The state of a cell without expectations. */
async function stateOf(
  run: RunName,
  records: readonly TrialRecord[],
  problems: readonly { cell: string; reason: string }[] = [],
): Promise<CellState | undefined> {
  const summary = await summarise({ run, cells: [cellName(cell)], records, problems });
  return statesOf(summary, [])[0]?.state;
}

describe('the state of a cell', () => {
  it('counts a crash as a trial that was made, and what the kernel lacks as none', async () => {
    const mixed = (outcome: TrialRecord['outcome']): TrialRecord[] =>
      trialsOf(cell, 20, (trial) => (trial < 15 ? {} : { outcome, frozenUs: null }));
    expect(await stateOf(finished, mixed('kernel-hang'))).toBe('crashed');
    expect(await stateOf(finished, mixed('unsupported'))).toBe('incomplete');
    expect(await stateOf(finished, mixed('lab-error'))).toBe('incomplete');
  });

  it('of a cell that is measured until its rate is known knows when that is so', async () => {
    const wide = trialsOf(cell, 12, (trial) => (trial % 2 ? { outcome: 'not-frozen' } : {}));
    expect(await stateOf(sampled, trialsOf(cell, 80))).toBe('measured');
    // it had been decided, and a trial still running at that moment widened the bounds
    expect(await stateOf(sampled, wide)).toBe('measured');
    expect(await stateOf(sampled, wide, given)).toBe('incomplete');
    expect(await stateOf({ ...sampled, status: 'interrupted' }, wide)).toBe('incomplete');
    expect(await stateOf(sampled, wide.slice(0, 9))).toBe('incomplete');
  });

  it('is no success without a cell', () => {
    expect(exitCode([])).toBe(69);
  });
});
