import { escapeTerminal } from '../escape.ts';
import { textValue, type Cell } from './values.ts';

/** Rows below a header, columns aligned, cut to the width of the terminal; ends with a newline. */
export function terminalTable(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  width: number,
): string {
  const lines = [columns, ...rows.map((row) => row.map((value) => escapeTerminal(textValue(value))))];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
  const text = lines.map((line) =>
    cut(
      line
        .map((word, i) => (numeric[i] === true ? word.padStart(widths[i] ?? 0) : word.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
      width,
    ),
  );
  return `${text.join('\n')}\n`;
}

const cut = (line: string, width: number): string =>
  line.length > width ? `${line.slice(0, width - 3)}...` : line;
