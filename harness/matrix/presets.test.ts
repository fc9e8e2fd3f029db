import { describe, expect, it } from 'vitest';
import { presets } from './presets.ts';
import type { Schedule } from './strategy.ts';

/** The reads, from 0 to `last`, before which a schedule is due. */
const due = (schedule: Schedule | null, last: number): number[] =>
  Array.from({ length: last + 1 }, (_, k) => k).filter(
    (k) => schedule !== null && schedule.at.includes(k % schedule.every),
  );

describe('presets do what the tools do', () => {
  it('runc: 1000 writes, thaws at i % 50 == 49, 10 us before reading back at i % 25 == 24', () => {
    const { attempts, pollUs, rewrite, thaw, thawForUs, settle, settleUs } = presets.runc.v1;
    expect({ attempts, pollUs, thawForUs, settleUs }).toEqual({
      attempts: 1000,
      pollUs: 0,
      thawForUs: 10_000,
      settleUs: 10,
    });
    expect(due(rewrite, 999)).toHaveLength(1000);
    expect(due(thaw, 999)).toEqual(Array.from({ length: 20 }, (_, i) => 49 + 50 * i));
    expect(due(settle, 999)).toHaveLength(40);
  });

  it('runc on v2: 1000 reads 10 ms apart', () => {
    expect(presets.runc.v2).toMatchObject({ attempts: 1000, pollUs: 10_000, rewrite: null, thaw: null });
  });

  it('CRIU 4.1: 100 steps of 100 ms; rewrites at 9 and 20 of 32, thaws for 100 ms at 31', () => {
    const { attempts, pollUs, deadlineUs, rewrite, thaw, thawForUs } = presets['criu-4.1'].v1;
    expect({ attempts, pollUs, deadlineUs, thawForUs }).toEqual({
      attempts: 101,
      pollUs: 100_000,
      deadlineUs: 10_000_000,
      thawForUs: 100_000,
    });
    expect(due(rewrite, 100)).toEqual([9, 20, 41, 52, 73, 84]);
    expect(due(thaw, 100)).toEqual([31, 63, 95]);
  });

  it('CRIU before: one write, reads 100 ms apart until the alarm at 10 s', () => {
    expect(presets.single.v1).toMatchObject({
      pollUs: 100_000,
      deadlineUs: 10_000_000,
      rewrite: null,
      thaw: null,
    });
  });
});
