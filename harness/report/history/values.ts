import { escapeCsv, escapeTerminal, quoteCsv } from '../escape.ts';

/** A table value, of any type that the database returns. */
export type Cell = unknown;

/** Converts a value to JSON: instants in ISO form, integers too large for a double as strings. */
export function jsonValue(value: Cell): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, jsonValue(part)]));
}

/** A value as a single text, for CSV and terminals. */
export function textValue(value: Cell): string {
  const plain = jsonValue(value);
  if (plain === null || plain === undefined) return '';
  return typeof plain === 'string' ? plain : JSON.stringify(plain);
}

/** A CSV line (RFC 4180), including its line end. */
export const csvLine = (values: readonly Cell[]): string => `${values.map(csvField).join(',')}\r\n`;

/** Numbers stay as they are, including negative ones; strings may come from a guest. */
const csvField = (value: Cell): string =>
  typeof value === 'string' ? escapeCsv(value) : quoteCsv(escapeTerminal(textValue(value)));
