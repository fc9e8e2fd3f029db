import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FrostlineError } from '../errors.ts';
import { isRecord } from '../record/check.ts';
import { parquetPath } from '../record/compacted.ts';
import { recordsPath } from '../record/runs.ts';
import { recordSchemaVersion, type TrialRecord } from '../record/schema.ts';
import { readParquetSql } from './columns.ts';
import { openDatabase, type Row } from './duck.ts';

/** The records of a run's Parquet file, in lists, sorted by cell and then by time. Rejects with a 'results' error. */
export async function* readParquet(dir: string): AsyncGenerator<TrialRecord[], void, undefined> {
  const path = parquetPath(dir);
  await using database = await openDatabase(new AbortController().signal);
  try {
    const { columns, chunks } = await database.select(readParquetSql([path]));
    for await (const rows of chunks) {
      yield rows
        .map((row) => recordOf(Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null]))))
        .filter((record) => isRecord(record));
    }
  } catch (error) {
    throw new FrostlineError(`${path} cannot be read`, { code: 'results', cause: error });
  }
}

/** Restores `records.ndjson` from the Parquet file, atomically. */
export async function restore(dir: string): Promise<void> {
  const path = recordsPath(dir);
  const draft = `${path}.draft`;
  const lines = async function* (): AsyncGenerator<string> {
    for await (const records of readParquet(dir))
      yield records.map((one) => `${JSON.stringify(one)}\n`).join('');
  };
  try {
    await pipeline(lines, createWriteStream(draft, { flush: true }));
    await rename(draft, path);
    await using folder = await open(dirname(path), 'r');
    await folder.sync();
  } finally {
    await rm(draft, { force: true });
  }
}

/** Drops nulls, which stand for fields that a record omits; `syscall` stays, since it may be null in a record too. */
const present = (blocker: unknown): object =>
  Object.fromEntries(
    Object.entries(blocker as object).filter(([key, value]) => value !== null || key === 'syscall'),
  );

/** Converts a row of stored columns back to its record. */
function recordOf(row: Row): object {
  const json = (name: string): unknown => (typeof row[name] === 'string' ? JSON.parse(row[name]) : undefined);
  const { ended } = row;
  const steps = json('steps');
  const window = json('window');
  const parameters = json('parameters');
  return {
    ...{
      schema: recordSchemaVersion,
      run: row['run'],
      cell: row['cell'],
      trial: row['trial'],
      seed: row['seed'],
    },
    at: ended instanceof Date ? ended.toISOString() : null,
    ...{ outcome: row['outcome'], reason: row['reason'], frozenUs: row['frozen_us'] },
    ...{ writes: row['writes'], reads: row['reads'], thaws: row['thaws'], states: json('states') },
    thaw: row['thaw'] && { outcome: row['thaw'], us: row['thaw_us'], casualties: row['casualties'] },
    blockers: Array.isArray(row['blockers']) ? row['blockers'].map(present) : row['blockers'],
    tool: row['tool'] && {
      ...{ name: row['tool'], version: row['tool_version'], code: row['tool_code'] },
      ...{ ok: row['tool_ok'], us: row['tool_us'], error: row['tool_error'] },
    },
    ...(parameters === undefined || parameters === null ? {} : { parameters }),
    ...(steps === undefined || steps === null ? {} : { steps }),
    ...(window === undefined || window === null ? {} : { window }),
    ...{ wallUs: row['wall_us'], guestUs: row['guest_us'] },
    guest: row['release'] && {
      ...{ release: row['release'], cgroup: row['guest_cgroup'] },
      ...{ cpus: row['cpus'], runtime: row['runtime_version'] },
    },
    machine: {
      ...{ id: row['machine'], boot: row['boot'], driver: row['driver'], accel: row['accel'] },
      ...{ threads: row['threads'], qemu: row['qemu'], cpu: row['cpu'], memoryMiB: row['memory_mib'] },
      ...{ userland: row['userland'], host: row['host'], image: row['image'] },
      ...(row['clone'] === null && row['no_clone'] === null
        ? {}
        : { template: { clone: row['clone'], failed: row['no_clone'] } }),
    },
  };
}
