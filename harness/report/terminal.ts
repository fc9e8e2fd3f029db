import type { Judgement } from '../analyse/expect.ts';
import { stateCodes, statesOf, type CellState } from '../analyse/state.ts';
import type { CellSummary, RunName, Summary } from '../analyse/summary.ts';
import { escapeTerminal } from './escape.ts';
import { notes } from './notes.ts';
import { sequenceFigure, tabulateSequences, withoutSequences } from './sequences.ts';
import { tabulate, type Row } from './table.ts';
import { figures, marks, notMeasuredWord, stateMark, statusWords } from './words.ts';

export interface TerminalOptions {
  readonly colour: boolean;
  /** Width of the terminal in columns; strategies that do not fit side by side go into a further table. */
  readonly width: number;
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
type Paint = (colour: keyof typeof codes, text: string) => string;

/** A summary as text for a terminal or a log; ends with a newline. */
export function terminalReport(
  summary: Summary,
  judgements: readonly Judgement[],
  options: TerminalOptions,
): string {
  const paint: Paint = (colour, text) => (options.colour ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text);
  const states = new Map(statesOf(summary, judgements).map(({ cell, state }) => [cell.id, state]));
  const lines = [paint('bold', escapeTerminal(heading(summary.run))), ''];
  if (summary.cells.length === 0) lines.push('No cell was planned and no trial is recorded.', '');
  else lines.push(...tables(withoutSequences(summary), { ...options, paint, states }));
  lines.push(...sequenceTable(summary, { ...options, paint, states }));
  for (const { title, lines: own } of notes(summary, judgements)) {
    const colour = title === 'Expectations missed' ? 'red' : 'bold';
    lines.push(paint(colour, title), ...own.map((line) => `  ${escapeTerminal(line)}`), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** The line above the table: the run, its start, and how it ended. */
export function heading({ id, started, status }: RunName): string {
  return [id, started === null ? '' : `started ${started}`, statusWords[status]]
    .filter((w) => w !== '')
    .join(', ');
}

const gap = '  ';

interface Style extends TerminalOptions {
  readonly paint: Paint;
  readonly states: ReadonlyMap<string, CellState>;
}

/** One table for each block of strategies that fits beside the labels. */
function tables(summary: Summary, style: Style): string[] {
  const { strategies, sections } = tabulate(summary);
  if (sections.length === 0) return [];
  const indent = 2;
  const rows = sections.flatMap((section) => section.rows);
  const label = Math.max(...rows.map((row) => escapeTerminal(row.label).length)) + indent;
  const columns = strategies.map((strategy) => columnOf(strategy, rows, style));
  const lines: string[] = [];
  for (let from = 0; from < columns.length;) {
    let to = from;
    let used = label;
    while (to < columns.length && (to === from || used + columns[to]!.width + gap.length <= style.width)) {
      used += columns[to]!.width + gap.length;
      to++;
    }
    const block = columns.slice(from, to);
    const titles = block.map(({ title, width }) => title.padEnd(width));
    lines.push(style.paint('bold', joinColumns(' '.repeat(label), titles)));
    for (const { distro, releases, rows: own } of sections) {
      lines.push(
        `${style.paint('bold', escapeTerminal(distro))}  ${escapeTerminal(releases.join(', '))}`.trimEnd(),
      );
      for (const row of own) {
        if (block.every(({ strategy }) => !row.cells.has(strategy))) continue;
        const cells = block.map((column) => paintCell(column, row, style));
        lines.push(joinColumns(`${' '.repeat(indent)}${escapeTerminal(row.label)}`.padEnd(label), cells));
      }
    }
    lines.push('');
    from = to;
  }
  return lines;
}

/** How many trials passed: a row per sequence, a column per kernel. */
function sequenceTable(summary: Summary, { paint, states }: Style): string[] {
  const table = tabulateSequences(summary);
  if (table === null) return [];
  const { kernels, rows } = table;
  const label = Math.max(...rows.map((row) => escapeTerminal(row.label).length));
  const figureOf = (cell: CellSummary | undefined): string =>
    sequenceFigure(cell, states.get(cell?.id ?? ''));
  const widthOf = (distro: string): number =>
    Math.max(escapeTerminal(distro).length, ...rows.map(({ cells }) => figureOf(cells.get(distro)).length));
  const titles = kernels.map(({ distro }) => escapeTerminal(distro).padEnd(widthOf(distro)));
  const lines = rows.map((row) => {
    const cells = kernels.map(({ distro }) => {
      const cell = row.cells.get(distro);
      const padded = figureOf(cell).padEnd(widthOf(distro));
      return cell === undefined ? padded : paint(colourOf(cell, states.get(cell.id)!), padded);
    });
    return joinColumns(escapeTerminal(row.label).padEnd(label), cells);
  });
  const releases = kernels.map(({ distro, releases }) => `  ${distro}  ${releases.join(', ')}`.trimEnd());
  return [
    paint('bold', joinColumns('passed'.padEnd(label), titles)),
    ...lines,
    '',
    ...releases.map(escapeTerminal),
    '',
  ];
}

const joinColumns = (label: string, cells: readonly string[]): string =>
  [label, ...cells].join(gap).trimEnd();

interface Column {
  readonly strategy: string;
  readonly title: string;
  readonly width: number;
  readonly text: (row: Row) => string;
}

/** Formats a column: count, rate and time are aligned across its cells. */
function columnOf(strategy: string, rows: readonly Row[], { states }: Style): Column {
  const cells = rows.flatMap((row) => row.cells.get(strategy) ?? []);
  const measured = cells.filter(({ notMeasured }) => notMeasured === null).map(figures);
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(({ length }) => length));
  const count = widest(measured.map((one) => one.count));
  const rate = widest(measured.map((one) => one.rate));
  const text = (row: Row): string => {
    const cell = row.cells.get(strategy);
    if (cell === undefined) return '';
    const state = states.get(cell.id)!;
    if (cell.notMeasured !== null)
      return `${notMeasuredWord(cell.notMeasured)} ${stateMark(state)}`.trimEnd();
    const { count: c, rate: r, time } = figures(cell);
    return `${c.padStart(count)} ${r.padEnd(rate)} ${time} ${marks(cell, state)}`.trimEnd();
  };
  const title = escapeTerminal(strategy);
  return { strategy, title, width: widest([title, ...rows.map(text)]), text };
}

function paintCell({ strategy, text, width }: Column, row: Row, { paint, states }: Style): string {
  const padded = text(row).padEnd(width);
  const cell = row.cells.get(strategy);
  return cell === undefined ? padded : paint(colourOf(cell, states.get(cell.id)!), padded);
}

function colourOf({ rate }: CellSummary, state: CellState): keyof typeof codes {
  if (stateCodes[state] === 1) return 'red';
  if (state === 'unsupported' || state === 'not-measured') return 'dim';
  return rate === 1 && stateCodes[state] === 0 ? 'green' : 'yellow';
}
