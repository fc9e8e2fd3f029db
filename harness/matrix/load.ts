import { isUtf8 } from 'node:buffer';
import { open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Finding, Problem } from './finding.ts';
import { find, lineIndex, type Node } from './locate.ts';
import type { Matrix } from './matrix.ts';
import { parseYaml, type Placed } from './parse.ts';
import { resolveMatrix } from './resolve.ts';
import type { RawMatrix } from './schema.ts';
import { checkTogether } from './together.ts';
import { validate, type Pointed } from './validate.ts';
import { checkCells, checkUnused } from './whole.ts';

/** A matrix with its warnings, or everything that is wrong with its text; findings are in the order of the text. */
export type Loaded =
  | {
      readonly ok: true;
      readonly matrix: Matrix;
      readonly warnings: readonly Finding[];
      readonly text: string;
    }
  | { readonly ok: false; readonly findings: readonly Finding[]; readonly text: string };

/** Ample: a matrix of a thousand lines has about 50 KiB. */
const maxBytes = 1024 * 1024;

/** Loads a matrix from its text; never throws. `file` is used in findings and to resolve relative paths. */
export function loadMatrix(text: string, file: string): Loaded {
  const { parsed, problems } = parseYaml(text);
  const toFindings = (placed: readonly Placed[]): Finding[] => locateAll(placed, text, file);
  if (parsed === null) return { ok: false, findings: toFindings(problems), text };
  const { root, value } = parsed;
  const validated = validate(value, root);
  const wrong = [...problems, ...place(root, [...validated.problems, ...checkTogether(validated)])];
  if (wrong.length > 0) return { ok: false, findings: toFindings(wrong), text };
  const matrix = resolveMatrix(validated.raw as RawMatrix, text, dirname(resolve(file)));
  const cellless = checkCells(matrix);
  if (cellless.length > 0) return { ok: false, findings: toFindings(place(root, cellless)), text };
  return { ok: true, matrix, warnings: toFindings(place(root, checkUnused(matrix))), text };
}

function place(root: Node | undefined, pointed: readonly Pointed[]): Placed[] {
  return pointed.map(({ path, key, problem }) => ({
    offset: find(root, path, key)?.offset ?? 0,
    path: key === undefined ? path : [...path, key],
    problem,
  }));
}

/** Problems as findings, in the order of the text. */
function locateAll(placed: readonly Placed[], text: string, file: string): Finding[] {
  const position = lineIndex(text);
  return placed
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, path, problem }) => ({
      file,
      ...position(offset),
      path: path.map(String).join('.'),
      ...problem,
    }));
}

/** Locates values of a loaded text that turn out to be wrong later, e.g. a missing kernel file. */
export function pointAt(text: string, file: string, pointed: readonly Pointed[]): Finding[] {
  return locateAll(place(parseYaml(text).parsed?.root, pointed), text, file);
}

/** Loads a matrix file; an unreadable file is reported as a finding, too. */
export async function loadMatrixFile(file: string): Promise<Loaded> {
  const read = await readBounded(file);
  if (!Buffer.isBuffer(read))
    return { ok: false, findings: [{ file, line: 1, column: 1, path: '', ...read }], text: '' };
  const text = read.toString('utf8');
  if (isUtf8(read)) return loadMatrix(text, file);
  const problem: Problem = { code: 'yaml', reason: 'it is not valid UTF-8' };
  const offset = Math.max(0, text.indexOf('\uFFFD'));
  return { ok: false, findings: locateAll([{ offset, path: [], problem }], text, file), text };
}

async function readBounded(file: string): Promise<Buffer | Problem> {
  const unreadable = (reason: string): Problem => ({ code: 'unreadable', reason });
  const tooLarge = (size: string): Problem =>
    unreadable(`The file has ${size} bytes; a matrix has at most ${maxBytes}. Is it the right file?`);
  try {
    // check before opening it, since opening a FIFO blocks until it has a writer
    const before = await stat(file);
    if (before.isDirectory()) return unreadable('This is a folder; a matrix is a YAML file.');
    if (!before.isFile()) return unreadable('This is a device, pipe or socket; a matrix is a YAML file.');
    if (before.size > maxBytes) return tooLarge(String(before.size));
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
    return bytesRead > maxBytes ? tooLarge(`more than ${maxBytes}`) : buffer.subarray(0, bytesRead);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      return unreadable('There is no such file. The matrices that come with frostline are in matrices/.');
    return unreadable(`The file cannot be read: ${message}.`);
  }
}
