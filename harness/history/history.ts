import { FrostlineError, inOneLine } from '../errors.ts';
import {
  derived,
  isFinalSql,
  isRecordSql,
  readNdjson,
  readParquetSql,
  runColumns,
  stored,
} from './columns.ts';
import { openDatabase, quote, type Database } from './duck.ts';
import { findSources, tornRecord, type Source } from './sources.ts';

/** All runs of a results folder, ready for queries. */
export interface History extends AsyncDisposable {
  readonly database: Database;
  readonly sources: readonly Source[];
}

/**
 * Opens the runs of a results folder as the views `trials` and `runs`. The database is locked: queries can read no
 * other file and write none. Damaged lines and files are left out and reported. Rejects with a 'results' error when
 * there are no trials at all.
 */
export async function openHistory(
  resultsDir: string,
  signal: AbortSignal,
  onFinding: (finding: string) => void,
): Promise<History> {
  const database = await openDatabase(signal);
  try {
    const found = await findSources(database, resultsDir, onFinding);
    const sources = await readable(database, found, onFinding);
    const read = sources.filter(({ kind }) => kind !== null);
    if (read.length === 0) {
      throw new FrostlineError(`${resultsDir} holds no run with a record`, {
        code: 'results',
        todo: 'Make one with frostline run, or name another folder with --results.',
      });
    }
    await createViews(database, sources);
    await database.lock(read.map(({ path }) => path));
    return { database, sources, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Scans the NDJSON files: counts the lines that are left out, and lists in the table `dropped` the records that do not
 * count for their trial, because a later one does (of several the last final one) or because they are torn. A file that
 * cannot be read at all is reported and becomes a run without records.
 */
async function readable(
  database: Database,
  sources: readonly Source[],
  onFinding: (finding: string) => void,
): Promise<Source[]> {
  await database.run(makeDropped);
  const ndjson = sources.filter(({ kind }) => kind === 'ndjson');
  if (ndjson.length === 0) return [...sources];
  const unreadable = new Set<Source>();
  try {
    await lookThrough(database, ndjson, onFinding);
  } catch {
    // one unreadable file fails the query for all of them: find it
    for (const source of ndjson) {
      await lookThrough(database, [source], onFinding).catch((error: unknown) => {
        unreadable.add(source);
        onFinding(`${source.path} cannot be read: ${inOneLine(error)}`);
      });
    }
  }
  return sources.map((source) => (unreadable.has(source) ? { ...source, kind: null } : source));
}

/** The table of records that do not count for their trial. */
export const makeDropped = 'CREATE TABLE dropped (run VARCHAR, cell VARCHAR, trial BIGINT, ended TIMESTAMP)';

/** Scans NDJSON files; see `readable`. Rejects when one of them cannot be read. */
export async function lookThrough(
  database: Database,
  sources: readonly Source[],
  onFinding: (finding: string) => void,
): Promise<void> {
  await database.run(
    `CREATE OR REPLACE TEMP TABLE looked AS
     SELECT ${runOf(sources)} AS run, cell, trial, "at" AS ended, coalesce(${isRecordSql}, false) AS valid, ${isFinalSql} AS final
     FROM ${readNdjson(sources.map(({ path }) => path))}`,
  );
  const left = await database.rows(
    `SELECT run, count(*) AS lines FROM looked WHERE NOT valid GROUP BY run ORDER BY run`,
  );
  for (const { run, lines } of left) {
    const path = sources.find((source) => source.run === run)?.path;
    onFinding(
      `${path}: ${Number(lines)} lines are no records and were left out; frostline report tells which`,
    );
  }
  await database.run(
    `INSERT INTO dropped
     SELECT run, cell, trial, unnest(list_filter(list(ended), lambda x: x <> max_by(ended, (final, ended))))
     FROM looked WHERE valid GROUP BY run, cell, trial HAVING count(*) > 1`,
  );
  await database.run('DROP TABLE looked');
  for (const { run, path } of sources) {
    const torn = await tornRecord(path);
    if (torn === undefined) continue;
    onFinding(`${path}: its last line has no end: the writer was killed; left out`);
    const values = [run, torn.cell, String(torn.trial), torn.at].map(quote);
    await database.run(`INSERT INTO dropped VALUES (${values.join(', ')})`);
  }
}

/** The run of a line, derived from the name of its file. */
function runOf(sources: readonly Source[]): string {
  const names = sources.map(({ run, path }) => `${quote(path)}: ${quote(run)}`);
  return `MAP {${names.join(', ')}}[filename]`;
}

/** The records of NDJSON files with the columns stored in Parquet. */
export function storedRecords(sources: readonly Source[]): string {
  const columns = stored.map(({ name, from }) => `${from} AS "${name}"`);
  return `SELECT ${columns.join(', ')} FROM (
    SELECT lines.*, (dropped.ended IS NULL) AS stands FROM (
      SELECT *, ${runOf(sources)} AS run FROM ${readNdjson(sources.map(({ path }) => path))}
      WHERE ${isRecordSql}
    ) AS lines LEFT JOIN dropped
    ON dropped.run = lines.run AND dropped.cell = lines.cell AND dropped.trial = lines.trial AND dropped.ended = lines."at"
  )`;
}

async function createViews(database: Database, sources: readonly Source[]): Promise<void> {
  const ndjson = sources.filter(({ kind }) => kind === 'ndjson');
  const parquet = sources.filter(({ kind }) => kind === 'parquet');
  const parts = [
    ...(ndjson.length === 0 ? [] : [storedRecords(ndjson)]),
    ...(parquet.length === 0 ? [] : [readParquetSql(parquet.map(({ path }) => path))]),
  ];
  const more = derived.map(({ name, from }) => `${from} AS "${name}"`).join(', ');
  await database.run(`CREATE VIEW trials AS SELECT *, ${more} FROM (${parts.join(' UNION ALL ')})`);
  const types = runColumns.map(({ name, from }) => `"${name}" ${from}`);
  await database.run(`CREATE TABLE runs (${types.join(', ')})`);
  const rows = sources.map((source) => `(${runValues(source).join(', ')})`);
  await database.run(`INSERT INTO runs VALUES ${rows.join(', ')}`);
}

function runValues({ run, info, kind }: Source): string[] {
  const values = [
    ...[run, info?.name, info?.started, info?.finished, info?.status, info?.version, info?.trials],
    ...[info?.sampling?.halfWidth, info?.cells.length, info?.lab, info?.host.kernel, kind],
  ];
  return values.map((value) => (value === undefined || value === null ? 'NULL' : quote(String(value))));
}
