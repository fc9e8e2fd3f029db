import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { inOneLine } from '../errors.ts';
import { parquetPath } from '../record/compacted.ts';
import { readInfo, type RunInfo } from '../record/info.ts';
import { listRuns, recordsPath } from '../record/runs.ts';
import { parquetVersion } from './columns.ts';
import { quote, type Database } from './duck.ts';

/** A run and the one file that its trials are read from. */
export interface Source {
  readonly run: string;
  readonly dir: string;
  /** Undefined when run.json is lost. */
  readonly info: RunInfo | undefined;
  /** Null for a run without records. */
  readonly kind: 'ndjson' | 'parquet' | null;
  readonly path: string;
  /** Size of its NDJSON file when it was found; null when there is none. */
  readonly bytes: number | null;
}

/** The metadata in a Parquet file. */
interface Stamp {
  readonly version: string | undefined;
  readonly bytes: string | undefined;
}

/**
 * The runs of a results folder, oldest first. The Parquet file is used when it holds all of the run's NDJSON file, or
 * when that is gone; never both for one run.
 */
export async function findSources(
  database: Database,
  resultsDir: string,
  onFinding: (finding: string) => void,
): Promise<Source[]> {
  const dirs = (await listRuns(resultsDir)).map((run) => ({ run, dir: resolve(resultsDir, run) }));
  const present = await Promise.all(
    dirs.map(async (one) => ({
      ...one,
      info: await readInfo(one.dir).catch((error: unknown) => onFinding(inOneLine(error)) as undefined),
      ndjson: await sizeOf(recordsPath(one.dir)),
      parquet: await sizeOf(parquetPath(one.dir)),
    })),
  );
  const stamps = await readStamps(
    database,
    present.filter(({ parquet }) => parquet !== null).map(({ dir }) => parquetPath(dir)),
  );
  return present.map(({ run, dir, info, ndjson, parquet }) => {
    const path = parquetPath(dir);
    const stamp = parquet === null ? undefined : stamps.get(path);
    const usable = stamp?.version === parquetVersion;
    if (parquet !== null && !usable) onFinding(`${path} is damaged or of another format: it is not read`);
    const current = usable && (ndjson === null || stamp.bytes === String(ndjson));
    if (current) return { run, dir, info, kind: 'parquet', path, bytes: ndjson };
    return {
      run,
      dir,
      info,
      kind: ndjson === null || ndjson === 0 ? null : 'ndjson',
      path: recordsPath(dir),
      bytes: ndjson,
    };
  });
}

async function sizeOf(path: string): Promise<number | null> {
  return (await stat(path).catch(() => undefined))?.size ?? null;
}

/** Reads all files at once, or one by one when a damaged file fails the query. Unreadable files have no stamp. */
async function readStamps(database: Database, paths: readonly string[]): Promise<Map<string, Stamp>> {
  const found = new Map<string, Stamp>();
  if (paths.length === 0) return found;
  let rows;
  try {
    rows = await database.rows(
      `SELECT file_name AS path, decode(key) AS key, decode(value) AS value
       FROM parquet_kv_metadata([${paths.map(quote).join(', ')}])`,
    );
  } catch {
    if (paths.length === 1) return found;
    for (const path of paths)
      for (const [key, stamp] of await readStamps(database, [path])) found.set(key, stamp);
    return found;
  }
  for (const path of paths) {
    const own = new Map(rows.filter((row) => row['path'] === path).map((row) => [row['key'], row['value']]));
    const text = (key: string): string | undefined => {
      const value = own.get(key);
      return typeof value === 'string' ? value : undefined;
    };
    found.set(path, { version: text('frostline'), bytes: text('bytes') });
  }
  return found;
}

/**
 * The cell, trial and instant of a last line that has no newline but is a whole record: the writer was killed before it
 * confirmed the record, and `run --resume` cuts it off.
 */
export async function tornRecord(
  path: string,
): Promise<{ cell: string; trial: number; at: string } | undefined> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const tail = Buffer.alloc(Math.min(size, 1 << 20));
  await file.read(tail, 0, tail.length, size - tail.length);
  if (tail.length === 0 || tail.at(-1) === 0x0a) return undefined;
  try {
    const value: unknown = JSON.parse(tail.subarray(tail.lastIndexOf(0x0a) + 1).toString('utf8'));
    const { cell, trial, at } = value as { cell?: unknown; trial?: unknown; at?: unknown };
    return typeof cell === 'string' && typeof trial === 'number' && typeof at === 'string'
      ? { cell, trial, at }
      : undefined;
  } catch {
    return undefined;
  }
}
