import { FrostlineError } from '../errors.ts';
import { explain, type Finding } from '../matrix/finding.ts';
import { loadMatrixFile } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';

/** A finding as compilers print it, with the line it is about and a caret. */
export function formatFinding(finding: Finding, text: string): string {
  const { file, line, column } = finding;
  const source = (text.split('\n')[line - 1] ?? '').slice(0, 200);
  const head = `${file}:${line}:${column}: error: ${explain(finding)}`;
  if (source.trim() === '' || column > source.length + 1) return printable(head);
  const margin = source.slice(0, column - 1).replaceAll(/[^\t]/g, ' ');
  return printable(`${head}\n    ${source}\n    ${margin}^`);
}

/** A matrix file is somebody's text: its control characters do not reach the terminal. */
const printable = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]/gu, '\uFFFD');

/** Loads a matrix or rejects ('matrix') with all findings as its message. */
export async function requireMatrix(file: string): Promise<Matrix> {
  const loaded = await loadMatrixFile(file);
  if (loaded.ok) return loaded.matrix;
  const { findings, text } = loaded;
  const count = findings.length === 1 ? '1 error' : `${findings.length} errors`;
  const shown = findings.map((finding) => formatFinding(finding, text)).join('\n');
  throw new FrostlineError(`${count} in ${file}; nothing was booted.\n${shown}`, { code: 'matrix' });
}
