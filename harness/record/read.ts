import { createReadStream } from 'node:fs';
import { FrostlineError } from '../errors.ts';
import { isRecord } from './check.ts';
import { recordSchema, recordSchemaVersion, type TrialRecord } from './schema.ts';

/** Longest line that is read, in bytes: a record with every list full is below 64 KiB. */
export const maxLineBytes = 1 << 20;

/** A defect of a records file; `line` counts from 1. The line is skipped; the others are read. */
export type RecordFinding =
  /** The file is missing: the run ended before its first record. */
  | { readonly kind: 'missing' }
  /** The last line has no newline: the writer was killed in the middle of it. */
  | { readonly kind: 'torn'; readonly line: number; readonly bytes: number }
  | { readonly kind: 'damaged'; readonly line: number; readonly what: string }
  | { readonly kind: 'unknown-schema'; readonly line: number; readonly schema: number }
  | { readonly kind: 'too-long'; readonly line: number };

/**
 * Yields the records of an NDJSON file in order, one at a time, and reports what it skips. Rejects with a 'results'
 * error only when the file cannot be read at all.
 */
export async function* readRecords(
  path: string,
  onFinding: (finding: RecordFinding) => void,
): AsyncGenerator<TrialRecord, void, undefined> {
  for await (const records of readRecordLists(path, onFinding)) yield* records;
}

/** The same in lists of some thousand: a million iterations of an async loop take half a second. */
export async function* readRecordLists(
  path: string,
  onFinding: (finding: RecordFinding) => void,
): AsyncGenerator<TrialRecord[], void, undefined> {
  const parse = parser();
  try {
    for await (const lines of wholeLines(path, onFinding)) {
      yield lines.flatMap((line) => parseRecord(line, parse, onFinding) ?? []);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'ENOENT') return onFinding({ kind: 'missing' });
    throw new FrostlineError(`${path} cannot be read (${code})`, { code: 'results', cause: error });
  }
}

interface Line {
  readonly text: string;
  readonly line: number;
}

/** The whole lines of each chunk. Scans the bytes for newlines before decoding them. */
async function* wholeLines(
  path: string,
  onFinding: (finding: RecordFinding) => void,
): AsyncGenerator<Line[]> {
  const newline = 0x0a;
  let line = 1;
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      if (heldBytes + end - from > maxLineBytes) onFinding({ kind: 'too-long', line });
      else if (heldBytes === 0) lines.push({ text: chunk.toString('utf8', from, end), line });
      else lines.push({ text: Buffer.concat([...held, chunk.subarray(from, end)]).toString('utf8'), line });
      held = [];
      heldBytes = 0;
      line++;
      from = end + 1;
    }
    yield lines;
    if (from < chunk.length) {
      if (heldBytes <= maxLineBytes) held.push(chunk.subarray(from));
      heldBytes += chunk.length - from;
    }
  }
  if (heldBytes > 0) onFinding({ kind: 'torn', line, bytes: heldBytes });
}

const tailsKept = 1024;

/**
 * A faster JSON.parse for lines with equal ends: guest and machine, the last half of a record, are the same for all
 * trials of a boot, so they are parsed once and shared, which takes two thirds of the time. (`,"guest":` cannot occur
 * in a JSON string, where each quote is escaped; inside another object, cutting there leaves a half that is invalid
 * JSON.)
 */
function parser(): (text: string) => unknown {
  const tails = new Map<string, { readonly guest: unknown; readonly machine: unknown }>();
  const tailOf = (text: string): { readonly guest: unknown; readonly machine: unknown } | undefined => {
    const known = tails.get(text);
    if (known !== undefined) return known;
    const parsed = JSON.parse(`{${text}`) as Readonly<Record<string, unknown>>;
    if (Object.keys(parsed).join() !== 'guest,machine') return undefined;
    const tail = { guest: parsed['guest'], machine: parsed['machine'] };
    if (tails.size >= tailsKept) tails.clear();
    tails.set(text, tail);
    return tail;
  };
  return (text) => {
    const end = text.lastIndexOf(',"guest":');
    if (end === -1) return JSON.parse(text);
    try {
      const tail = tailOf(text.slice(end + 1));
      if (tail === undefined) return JSON.parse(text);
      const head = JSON.parse(`${text.slice(0, end)}}`) as { guest?: unknown; machine?: unknown };
      head.guest = tail.guest;
      head.machine = tail.machine;
      return head;
    } catch {
      return JSON.parse(text);
    }
  };
}

function parseRecord(
  { text, line }: Line,
  parse: (text: string) => unknown,
  onFinding: (finding: RecordFinding) => void,
): TrialRecord | undefined {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    onFinding({ kind: 'damaged', line, what: 'not JSON' });
    return undefined;
  }
  if (isRecord(value)) return value;
  const schema = typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;
  if (typeof schema === 'number' && schema !== recordSchemaVersion) {
    onFinding({ kind: 'unknown-schema', line, schema });
    return undefined;
  }
  const issue = recordSchema.safeParse(value).error?.issues[0];
  onFinding({ kind: 'damaged', line, what: `${issue?.path.join('.') || 'record'}: ${issue?.message}` });
  return undefined;
}

/** A finding as a sentence for people. */
export function describeFinding(finding: RecordFinding): string {
  switch (finding.kind) {
    case 'missing':
      return 'no records: the run ended before its first trial';
    case 'torn':
      return `line ${finding.line}: torn (${finding.bytes} bytes without an end): the writer was killed; left out`;
    case 'damaged':
      return `line ${finding.line}: damaged, left out: ${finding.what}`;
    case 'unknown-schema':
      return (
        `line ${finding.line}: record format ${finding.schema}, left out: ` +
        `this frostline reads format ${recordSchemaVersion}`
      );
    case 'too-long':
      return `line ${finding.line}: longer than ${maxLineBytes} bytes, left out`;
  }
}
