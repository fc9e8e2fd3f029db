import { createReadStream } from 'node:fs';
import { FrostlineError } from '../errors.ts';
import { isRecord } from './check.ts';
import { recordSchema, recordSchemaVersion, type TrialRecord } from './schema.ts';

/** Longest line that is read, in bytes: a record with every list full is below 64 KiB. */
export const maxLineBytes = 1 << 20;

/** What is wrong with a records file; `line` counts from 1. The line is left out, the others are read. */
export type RecordFinding =
  /** There is no file: the run ended before its first record. */
  | { readonly kind: 'missing' }
  /** The last line has no end: the writer was killed in the middle of it. */
  | { readonly kind: 'torn'; readonly line: number; readonly bytes: number }
  | { readonly kind: 'damaged'; readonly line: number; readonly what: string }
  | { readonly kind: 'unknown-schema'; readonly line: number; readonly schema: number }
  | { readonly kind: 'too-long'; readonly line: number };

/**
 * Yields the records of an NDJSON file in order, one at a time, and reports what it leaves out.
 * Rejects with a 'results' error only when the file cannot be read at all.
 */
export async function* readRecords(
  path: string,
  onFinding: (finding: RecordFinding) => void,
): AsyncGenerator<TrialRecord, void, undefined> {
  try {
    for await (const lines of wholeLines(path, onFinding)) {
      for (const line of lines) {
        const record = parseRecord(line, onFinding);
        if (record !== undefined) yield record;
      }
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

/** The lines of each chunk. The bytes are looked through for newlines before any is decoded. */
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

function parseRecord(
  { text, line }: Line,
  onFinding: (finding: RecordFinding) => void,
): TrialRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
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

/** The sentence of a finding, for people. */
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
