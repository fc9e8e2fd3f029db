import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../base/deadline.ts';
import type { TrialRecord } from '../record/schema.ts';

/** The records of the first run under a folder's `results`; a torn last line is skipped. */
export const recordsOf = (dir: string): TrialRecord[] => {
  const [run] = readdirSync(join(dir, 'results'));
  const text = readFileSync(join(dir, 'results', run!, 'records.ndjson'), 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as TrialRecord);
};

/** Waits until a run in a folder has written this many records. */
export const untilRecords = (dir: string, count: number): Promise<true> =>
  until({ ms: 120_000, what: `${count} records` }, 50, () => {
    try {
      return recordsOf(dir).length >= count ? true : undefined;
    } catch {
      return undefined;
    }
  });
