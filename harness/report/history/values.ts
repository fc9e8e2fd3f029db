import { escapeCsv, escapeTerminal, quoteCsv } from '../escape.ts';

/** A value of a table: what a database has. */
export type Cell = unknown;

/** A value as a JSON one: instants in ISO form, integers that no double holds as text. */
export function jsonValue(value: Cell): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, jsonValue(part)]));
}

/** A value as one text, as CSV and terminals have it. */
export function textValue(value: Cell): string {
  const plain = jsonValue(value);
  if (plain === null || plain === undefined) return '';
  return typeof plain === 'string' ? plain : JSON.stringify(plain);
}

/** A line of CSV (RFC 4180), its end included. */
export const csvLine = (values: readonly Cell[]): string => `${values.map(csvField).join(',')}\r\n`;

/** Numbers stay as they are, below zero too; text can be a guest's. */
const csvField = (value: Cell): string =>
  typeof value === 'string' ? escapeCsv(value) : quoteCsv(escapeTerminal(textValue(value)));
