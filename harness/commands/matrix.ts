import { FrostlineError } from '../errors.ts';
import { explain, type Finding } from '../matrix/finding.ts';
import { loadMatrixFile } from '../matrix/load.ts';
import { lineBreak } from '../matrix/locate.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Io } from './io.ts';

/** More findings would bury the first ones, which often cause the rest. */
const findingsShown = 50;

/** Formats findings like a compiler, each with its source line and a caret; `text` is the file's. */
export function formatFindings(
  findings: readonly Finding[],
  text: string,
  severity: 'error' | 'warning' = 'error',
): string {
  const lines = text.split(lineBreak);
  const shown = findings.slice(0, findingsShown).map((finding) => formatFinding(finding, lines, severity));
  const more = findings.length - shown.length;
  if (more > 0) shown.push(`... and ${more} more ${severity}${more === 1 ? '' : 's'}`);
  return shown.join('\n');
}

function formatFinding(finding: Finding, lines: readonly string[], severity: string): string {
  const { file, line, column } = finding;
  const source = (lines[line - 1] ?? '').slice(0, 200);
  const head = `${file}:${line}:${column}: ${severity}: ${explain(finding)}`;
  if (source.trim() === '' || column > source.length + 1) return printable(head);
  const margin = source.slice(0, column - 1).replaceAll(/[^\t]/g, ' ');
  return printable(`${head}\n    ${source}\n    ${margin}^`);
}

/**
 * Replaces characters of a matrix file that would affect the terminal or the direction of text: its author may be
 * anyone.
 */
const printable = (text: string): string =>
  text.replaceAll(/[^\P{Cc}\n\t]|[\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, '\uFFFD');

/** Loads a matrix, or rejects ('matrix') with its findings as the message. Writes warnings to `io` when it is given. */
export async function requireMatrix(file: string, io?: Io): Promise<Matrix> {
  const loaded = await loadMatrixFile(file);
  if (loaded.ok) {
    if (loaded.warnings.length > 0)
      io?.stderr.write(`${formatFindings(loaded.warnings, loaded.text, 'warning')}\n`);
    return loaded.matrix;
  }
  const { findings, text } = loaded;
  const count = findings.length === 1 ? '1 error' : `${findings.length} errors`;
  const shown = formatFindings(findings, text);
  throw new FrostlineError(`${count} in ${file}; nothing was booted.\n${shown}`, { code: 'matrix' });
}
