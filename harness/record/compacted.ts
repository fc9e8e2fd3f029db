import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { recordsPath } from './runs.ts';

/** The Parquet file that `frostline history compact` makes from a run's records. */
export const parquetPath = (dir: string): string => join(dir, 'records.parquet');

/** Whether the records of a run exist only in its Parquet file, the original having been deleted. */
export async function isOnlyParquet(dir: string): Promise<boolean> {
  const isThere = async (path: string): Promise<boolean> =>
    (await stat(path).catch(() => undefined)) !== undefined;
  return !(await isThere(recordsPath(dir))) && (await isThere(parquetPath(dir)));
}
