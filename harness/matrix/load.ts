import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Finding, Problem } from './finding.ts';
import { find, position } from './locate.ts';
import type { Matrix } from './matrix.ts';
import { parseYaml } from './parse.ts';
import { checkCells, checkTogether, resolveMatrix } from './resolve.ts';
import type { RawMatrix } from './schema.ts';
import { validate } from './validate.ts';

/** A matrix, or everything that is wrong with its text, in the order of the text. */
export type Loaded =
  | { readonly ok: true; readonly matrix: Matrix; readonly text: string }
  | { readonly ok: false; readonly findings: readonly Finding[]; readonly text: string };

/** A matrix of a thousand lines has some 50 KiB. */
const maxBytes = 1024 * 1024;

/** Loads a matrix from its text; never throws. `file` is for the findings and for relative paths. */
export function loadMatrix(text: string, file: string): Loaded {
  const { parsed, problems } = parseYaml(text);
  const placed = [...problems];
  let raw: Partial<RawMatrix> = {};
  if (parsed !== null) {
    const checked = validate(parsed.value, parsed.root);
    raw = checked.raw;
    placed.push(...checked.problems);
    const names = {
      distros: keysOf(parsed.value, 'distros'),
      strategies: keysOf(parsed.value, 'strategies'),
    };
    for (const { path, key, problem } of checkTogether(raw, names)) {
      placed.push({ offset: find(parsed.root, path, key)?.offset ?? 0, problem });
    }
  }
  if (placed.length === 0 && parsed !== null) {
    const sound = raw as RawMatrix;
    const matrix = resolveMatrix(sound, text, dirname(resolve(file)));
    for (const { path, key, problem } of checkCells(matrix, sound)) {
      placed.push({ offset: find(parsed.root, path, key)?.offset ?? 0, problem });
    }
    if (placed.length === 0) return { ok: true, matrix, text };
  }
  const findings = placed
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, problem }) => ({ file, ...position(text, offset), path: '', ...problem }));
  return { ok: false, findings, text };
}

function keysOf(value: unknown, key: string): string[] {
  const inner =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof inner === 'object' && inner !== null ? Object.keys(inner) : [];
}

/** Loads a matrix file; what keeps it from being read is a finding too. */
export async function loadMatrixFile(file: string): Promise<Loaded> {
  const read = await readBounded(file);
  if (typeof read === 'string') return loadMatrix(read, file);
  return { ok: false, findings: [{ file, line: 1, column: 1, path: '', ...read }], text: '' };
}

async function readBounded(file: string): Promise<string | Problem> {
  const unreadable = (reason: string): Problem => ({ code: 'unreadable', reason });
  try {
    const handle = await open(file, 'r');
    try {
      const stat = await handle.stat();
      if (stat.isDirectory()) return unreadable('This is a folder; a matrix is a YAML file.');
      if (stat.size > maxBytes) {
        return unreadable(
          `The file has ${stat.size} bytes; a matrix has at most ${maxBytes}. Is it the right file?`,
        );
      }
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
      if (bytesRead > maxBytes)
        return unreadable(`The file has more than ${maxBytes} bytes. Is it the right file?`);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      return unreadable('There is no such file. The matrices that come with frostline are in matrices/.');
    return unreadable(`The file cannot be read: ${message}.`);
  }
}
