import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCompacted, makeRun } from './make-history.ts';

/** Runs the command line; returns the seconds it took and its peak memory in MB. */
export type Measure = (args: readonly string[]) => { readonly seconds: number; readonly megabytes: number };
export type Line = (what: string, figure: string, promise: string) => void;

const million = 1_000_000;

/**
 * `report` of a run with a million trials, and `compare` of two with half a million each; needs some 1.3 GB in /tmp.
 */
export function benchRecords(measure: Measure, line: Line): void {
  const dir = mkdtempSync(join(tmpdir(), 'frostline-bench-'));
  try {
    makeRun(dir, 0, million / 2);
    makeRun(dir, 1, million / 2);
    makeRun(dir, 2, million);
    for (const words of [
      ['report', 'latest'],
      ['compare', 'latest~2', 'latest~1'],
    ]) {
      const { seconds, megabytes } = measure([...words, '--results', dir]);
      line(`${words[0]} of 1,000,000 trials`, `${seconds.toFixed(2)} s`, 'under 5 s');
      line('  its memory', `${megabytes} MB`, 'under 500 MB');
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/**
 * `history` over a hundred million trials in a hundred compacted runs: takes minutes to create and some 1 GB in /tmp.
 */
export async function benchHistory(measure: Measure, line: Line): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'frostline-bench-'));
  try {
    await makeCompacted(dir, 100, million);
    const trend = (cell: string): string[] => ['history', 'trend', '--cell', cell, '--format', 'csv'];
    for (const [what, words] of [
      ['trend of one cell', trend('d3/v1/none/w2/s1')],
      ['trend of 50 cells', trend('*/v1/*/w2/*')],
      ['trend of all 1000 cells', trend('*')],
      ['flaky', ['history', 'flaky']],
    ] as const) {
      const { seconds, megabytes } = measure([...words, '--results', dir]);
      line(`${what} over 100,000,000 trials`, `${seconds.toFixed(1)} s`, 'under 20 s');
      line('  its memory', `${megabytes} MB`, 'under 4000 MB');
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}
