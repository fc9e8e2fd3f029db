import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logs } from '../trial/session.ts';
import type { TrialRecord } from './schema.ts';

/** The folder of a run that holds what tools logged in a trial: `logs/CELL/TRIAL`. */
export const logFolder = ({ cell, trial }: Pick<TrialRecord, 'cell' | 'trial'>): string =>
  join('logs', cell, String(trial));

/** Keeps the logs of a trial's tool beside the records. Rejects when they cannot be written. */
export async function keepLogs(dir: string, record: TrialRecord, logs: Logs): Promise<void> {
  if (logs.size === 0) return;
  const folder = join(dir, logFolder(record));
  await mkdir(folder, { recursive: true });
  for (const [name, text] of logs) await writeFile(join(folder, name), text);
}
