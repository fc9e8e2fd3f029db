import { rm } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import {
  DuckDBInstance,
  StatementType,
  type DuckDBConnection,
  type DuckDBResult,
  type JS,
} from '@duckdb/node-api';
import { FrostlineError, sentence } from '../errors.ts';

/** A value of a row: 64-bit integers become numbers where they fit, timestamps become `Date`. */
export type Value = JS;
export type Row = Readonly<Record<string, Value>>;

/** Rows in chunks of some thousand; the columns are known before the first chunk. */
export interface Rows {
  readonly columns: readonly string[];
  readonly chunks: AsyncIterable<readonly (readonly Value[])[]>;
}

/** An in-memory database that reads files in place. Disposing it removes what it spilled to disk. */
export interface Database extends AsyncDisposable {
  /** Runs frostline's own statements. */
  run(sql: string): Promise<void>;
  /** All rows of one of frostline's own queries; `$name` in it stands for a value. */
  rows(sql: string, values?: Readonly<Record<string, string>>): Promise<Row[]>;
  /** From then on only these files can be opened, and no setting can be changed. */
  lock(paths: readonly string[]): Promise<void>;
  /** One SELECT from a user. Rejects with a 'usage' error when it is another statement, or none. */
  select(sql: string): Promise<Rows>;
}

const memoryLimitMiB = 3072;

/** Opens an empty database. Aborting the signal interrupts running queries. */
export async function openDatabase(signal: AbortSignal): Promise<Database> {
  const spill = join(tmpdir(), `frostline-history-${process.pid}`);
  const memory = Math.min(memoryLimitMiB, Math.floor((totalmem() / 2 ** 20) * 0.6));
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    memory_limit: `${memory}MiB`,
    temp_directory: spill,
  });
  const connection = await instance.connect();
  const interrupt = (): void => connection.interrupt();
  signal.addEventListener('abort', interrupt);
  return {
    async run(sql) {
      await connection.run(sql);
    },
    async rows(sql, values) {
      const reader = await connection.runAndReadAll(sql, values && { ...values });
      return reader.getRowObjectsJS().map(plainRow);
    },
    async lock(paths) {
      await connection.run(`SET allowed_paths = [${paths.map(quote).join(', ')}]`);
      await connection.run('SET enable_external_access = false');
      await connection.run('SET lock_configuration = true');
    },
    async select(sql) {
      const result = await selectOnly(connection, sql);
      return { columns: result.deduplicatedColumnNames(), chunks: chunksOf(result) };
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', interrupt);
      connection.closeSync();
      instance.closeSync();
      await rm(spill, { recursive: true, force: true });
    },
  };
}

/** A string as an SQL literal. */
export const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A text value of a row; empty when it is NULL. */
export function textOf(row: Row, name: string): string {
  const value = row[name];
  return typeof value === 'string' ? value : '';
}

async function selectOnly(connection: DuckDBConnection, sql: string): Promise<DuckDBResult> {
  try {
    const statements = await connection.extractStatements(sql);
    const prepared = statements.count === 1 ? await statements.prepare(0) : undefined;
    if (prepared?.statementType === StatementType.SELECT) return await prepared.stream();
  } catch (error) {
    throw asUsage(error);
  }
  throw new FrostlineError('The query is not one SELECT; the history is only read.', {
    code: 'usage',
    todo: `Ask e.g. "select cell, avg(success::int) from trials where counts group by cell".`,
  });
}

async function* chunksOf(result: DuckDBResult): AsyncGenerator<readonly (readonly Value[])[]> {
  try {
    for await (const rows of result.yieldRowsJs()) yield rows.map((row) => row.map(plain));
  } catch (error) {
    throw asUsage(error);
  }
}

/** DuckDB's own message says where in the query the error is. */
function asUsage(error: unknown): FrostlineError {
  return new FrostlineError(`The query failed: ${sentence(error).trim()}`, {
    code: 'usage',
    todo: 'frostline history sql --columns lists what there is to ask for.',
    cause: error,
  });
}

const plainRow = (row: Readonly<Record<string, Value>>): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));

function plain(value: Value): Value {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (Array.isArray(value)) return typeof value[0] === 'number' ? value : value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
    return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}
