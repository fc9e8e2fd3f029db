import { once } from 'node:events';
import { escapeJson } from '../report/escape.ts';
import { terminalTable } from '../report/history/table.ts';
import { csvLine, jsonValue } from '../report/history/values.ts';
import { whileRead, widthOf, type Io } from './io.ts';

/** Maximum number of rows shown on a terminal. */
const shown = 50;

/** Where rows are written, and in which format. */
export interface Target {
  readonly format: 'terminal' | 'csv' | 'json';
  readonly io: Io;
  /** Show all rows on a terminal. */
  readonly all?: boolean;
}

type Row = readonly unknown[];

/** Rows in chunks, as they become available. */
interface Rows {
  readonly columns: readonly string[];
  readonly chunks: AsyncIterable<readonly Row[]>;
}

/** Writes objects as rows of the given fields. */
export function writeObjects<T extends object>(
  objects: readonly T[],
  columns: readonly (keyof T & string)[],
  target: Target,
): Promise<void> {
  const rows = objects.map((one) => columns.map((name) => one[name]));
  return writeTable(columns, rows, target);
}

/** Writes rows that are all available. */
export const writeTable = (columns: readonly string[], rows: readonly Row[], target: Target): Promise<void> =>
  writeRows({ columns, chunks: whole(rows) }, target);

async function* whole<T>(rows: readonly T[]): AsyncGenerator<readonly T[]> {
  yield rows;
}

/**
 * Writes all rows as CSV or JSON, as they become available; on a terminal only the first, with the number of further
 * rows on stderr.
 */
export async function writeRows(rows: Rows, target: Target): Promise<void> {
  switch (target.format) {
    case 'terminal':
      return writeTerminal(rows, target);
    case 'csv':
      return writeAll(csvOf(rows), target.io);
    case 'json':
      return writeAll(jsonOf(rows), target.io);
  }
}

async function writeAll(texts: AsyncIterable<string>, io: Io): Promise<void> {
  const signal = whileRead(io);
  for await (const text of texts) {
    signal.throwIfAborted();
    if (!io.stdout.write(text)) await once(io.stdout, 'drain', { signal });
  }
}

async function writeTerminal({ columns, chunks }: Rows, { io, all = false }: Target): Promise<void> {
  const kept: Row[] = [];
  let count = 0;
  for await (const rows of chunks) {
    kept.push(...rows.slice(0, all ? rows.length : Math.max(0, shown - kept.length)));
    count += rows.length;
  }
  io.stdout.write(terminalTable(columns, kept, all ? Number.POSITIVE_INFINITY : widthOf(io)));
  const more = count - kept.length;
  if (more > 0) io.stderr.write(`${more} more rows: --format csv or json has all\n`);
}

async function* csvOf({ columns, chunks }: Rows): AsyncGenerator<string> {
  yield csvLine(columns);
  for await (const rows of chunks) yield rows.map(csvLine).join('');
}

async function* jsonOf({ columns, chunks }: Rows): AsyncGenerator<string> {
  let before = '[\n';
  for await (const rows of chunks) {
    const objects = rows.map((row) =>
      Object.fromEntries(columns.map((name, i) => [name, jsonValue(row[i])])),
    );
    if (objects.length === 0) continue;
    yield before + objects.map((one) => escapeJson(one, 0)).join(',\n');
    before = ',\n';
  }
  yield before === ',\n' ? '\n]\n' : '[]\n';
}
