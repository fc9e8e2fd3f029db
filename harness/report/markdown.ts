import type { Judgement } from '../analyse/expect.ts';
import type { Summary } from '../analyse/summary.ts';
import { escapeMarkdown } from './escape.ts';
import { notes } from './notes.ts';
import { sequenceFigure, tabulateSequences, withoutSequences, type SequenceTable } from './sequences.ts';
import { cellStatuses, type CellStatus } from './status.ts';
import { tabulate } from './table.ts';
import { heading } from './terminal.ts';
import { figures, marks, notMeasuredWord, stateMark } from './words.ts';

/** A summary as GitHub Markdown: the table, then the notes as lists; ends with a newline. */
export function markdownReport(summary: Summary, judgements: readonly Judgement[]): string {
  const { strategies, sections } = tabulate(withoutSequences(summary));
  const sequences = tabulateSequences(summary);
  const statuses = new Map(cellStatuses(summary, judgements).map((one) => [one.cell.id, one]));
  const lines = [`## ${escapeMarkdown(heading(summary.run))}`, ''];
  if (summary.cells.length === 0) lines.push('No cell was planned and no trial is recorded.', '');
  if (sections.length > 0) {
    const head = ['kernel', 'cell', ...strategies].map(escapeMarkdown);
    lines.push(tableLine(head), tableLine(head.map(() => '---')));
    for (const { distro, releases, rows } of sections) {
      const kernel = escapeMarkdown([distro, ...releases].join(' '));
      for (const { label, cells } of rows) {
        const figures = strategies.map((strategy) => cellText(statuses.get(cells.get(strategy)?.id ?? '')));
        lines.push(tableLine([kernel, escapeMarkdown(label), ...figures]));
      }
    }
    lines.push('');
  }
  if (sequences !== null) lines.push(...sequenceLines(sequences, statuses), '');
  for (const { title, lines: own } of notes(summary, judgements)) {
    lines.push(`### ${title}`, '', ...own.map((line) => `- ${escapeMarkdown(line)}`), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** How many trials passed: a row per sequence, a column per kernel. */
function sequenceLines(
  { kernels, rows }: SequenceTable,
  statuses: ReadonlyMap<string, CellStatus>,
): string[] {
  const head = ['passed', ...kernels.map(({ distro, releases }) => [distro, ...releases].join(' '))];
  return [
    tableLine(head.map(escapeMarkdown)),
    tableLine(head.map(() => '---')),
    ...rows.map(({ label, cells }) => {
      const figures = kernels.map(({ distro }) => {
        const cell = cells.get(distro);
        return sequenceFigure(cell, statuses.get(cell?.id ?? '')?.state);
      });
      return tableLine([label, ...figures].map(escapeMarkdown));
    }),
  ];
}

const tableLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function cellText(one: CellStatus | undefined): string {
  if (one === undefined) return '';
  const { cell, state, status } = one;
  if (cell.notMeasured !== null)
    return `*${notMeasuredWord(cell.notMeasured)}* ${stateMark(state)}`.trimEnd();
  const { count, rate, time } = figures(cell);
  const text = escapeMarkdown(`${count} ${rate} ${time} ${marks(cell, state)}`.trimEnd());
  return status === 'failed' ? `**${text}**` : text;
}
