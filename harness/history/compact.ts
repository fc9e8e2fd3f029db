import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FrostlineError, inOneLine, sentence } from '../errors.ts';
import { parquetPath } from '../record/compacted.ts';
import { lockRun } from '../record/lock.ts';
import { recordsPath } from '../record/runs.ts';
import { parquetVersion } from './columns.ts';
import { openDatabase, quote, type Database } from './duck.ts';
import { lookThrough, makeDropped, storedRecords } from './history.ts';
import { findSources, type Source } from './sources.ts';

/** The result for the records of one run. Sizes are bytes. */
export interface Compacted {
  readonly run: string;
  readonly records: number;
  readonly before: number;
  readonly after: number;
  /** Whether the NDJSON file was deleted. */
  readonly deleted: boolean;
}

export interface CompactOptions {
  readonly resultsDir: string;
  /** Deletes each NDJSON file whose every line is in the Parquet file. */
  readonly deleteOriginals: boolean;
  readonly signal: AbortSignal;
  readonly onFinding: (finding: string) => void;
}

/**
 * Writes the records of each run without a current Parquet file to `records.parquet` beside the NDJSON file,
 * atomically. Yields run by run; a run that is being written to is skipped and reported.
 */
export async function* compact(options: CompactOptions): AsyncGenerator<Compacted> {
  const { resultsDir, deleteOriginals, signal, onFinding } = options;
  await using database = await openDatabase(signal);
  const sources = await findSources(database, resultsDir, onFinding);
  await database.run(makeDropped);
  for (const source of sources) {
    signal.throwIfAborted();
    const { kind, bytes } = source;
    if (kind === null || bytes === null || (kind === 'parquet' && !deleteOriginals)) continue;
    try {
      yield await compactRun(database, source, options);
    } catch (error) {
      if (!(error instanceof FrostlineError)) throw error;
      onFinding(`${source.run} is left as it is: ${inOneLine(error)}`);
    }
  }
}

/** Rejects when another process holds the run's lock: writers have priority. */
async function compactRun(database: Database, source: Source, options: CompactOptions): Promise<Compacted> {
  const lock = await lockRun(source.dir);
  try {
    return await compactLocked(database, source, options);
  } finally {
    await lock[Symbol.asyncDispose]();
  }
}

async function compactLocked(
  database: Database,
  source: Source,
  options: CompactOptions,
): Promise<Compacted> {
  const { run, dir } = source;
  const [from, to] = [recordsPath(dir), parquetPath(dir)];
  const before = (await stat(from)).size;
  let left = 0;
  const told = (finding: string): void => {
    left++;
    options.onFinding(finding);
  };
  await database.run('DELETE FROM dropped');
  const ndjson = { ...source, kind: 'ndjson', path: from } as const;
  await asResults(from, lookThrough(database, [ndjson], told));
  // another process may have resumed the run before we got its lock
  const current = source.kind === 'parquet' && source.bytes === before;
  const records = current ? await countRecords(database, to) : await writeParquet(database, ndjson, before);
  const deleted = options.deleteOriginals && left === 0;
  if (deleted) await rm(from);
  else if (options.deleteOriginals) options.onFinding(`${from} is kept: not every line of it is a record`);
  return { run, records, before, after: (await stat(to)).size, deleted };
}

/** Resolves with the number of records. */
async function writeParquet(database: Database, source: Source, bytes: number): Promise<number> {
  const path = parquetPath(source.dir);
  // one fixed name is enough under the run's lock; leftovers of a crash are overwritten
  const draft = `${path}.draft`;
  try {
    // sorted, so that a query for one cell reads only part of the file
    await asResults(
      path,
      database.run(
        `COPY (${storedRecords([source])} ORDER BY cell, ended) TO ${quote(draft)} (FORMAT parquet, COMPRESSION zstd,
         KV_METADATA {frostline: ${quote(parquetVersion)}, bytes: ${quote(String(bytes))}})`,
      ),
    );
    const records = await asResults(path, countRecords(database, draft));
    await sync(draft);
    await rename(draft, path);
    await sync(dirname(path));
    return records;
  } finally {
    await rm(draft, { force: true });
  }
}

async function countRecords(database: Database, path: string): Promise<number> {
  const [row] = await database.rows(`SELECT count(*) AS records FROM read_parquet(${quote(path)})`);
  return Number(row?.['records'] ?? 0);
}

async function sync(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.sync();
}

async function asResults<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new FrostlineError(`${path} cannot be made: ${sentence(error)}`, {
      code: 'results',
      todo: 'The records are untouched. Make room or repair the disk, then compact again.',
      cause: error,
    });
  }
}
