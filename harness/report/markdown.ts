import type { Judgement } from '../analyse/expect.ts';
import type { CellSummary, Summary } from '../analyse/summary.ts';
import { escapeMarkdown } from './escape.ts';
import { notes } from './notes.ts';
import { sequenceFigure, tabulateSequences, withoutSequences, type SequenceTable } from './sequences.ts';
import { tabulate } from './table.ts';
import { heading } from './terminal.ts';
import { figures, marks, notMeasuredWord } from './words.ts';

/** A summary as GitHub Markdown: the table, then the notes as lists; ends with a newline. */
export function markdownReport(summary: Summary, judgements: readonly Judgement[]): string {
  const { strategies, sections } = tabulate(withoutSequences(summary));
  const sequences = tabulateSequences(summary);
  const missed = new Set(judgements.filter(({ verdict }) => verdict === 'missed').map(({ cell }) => cell.id));
  const lines = [`## ${escapeMarkdown(heading(summary.run))}`, ''];
  if (summary.cells.length === 0) lines.push('No cell was planned and no trial is recorded.', '');
  if (sections.length > 0) {
    const head = ['kernel', 'cell', ...strategies].map(escapeMarkdown);
    lines.push(tableLine(head), tableLine(head.map(() => '---')));
    for (const { distro, releases, rows } of sections) {
      const kernel = escapeMarkdown([distro, ...releases].join(' '));
      for (const { label, cells } of rows) {
        const figures = strategies.map((strategy) => cellText(cells.get(strategy), missed));
        lines.push(tableLine([kernel, escapeMarkdown(label), ...figures]));
      }
    }
    lines.push('');
  }
  if (sequences !== null) lines.push(...sequenceLines(sequences), '');
  for (const { title, lines: own } of notes(summary, judgements)) {
    lines.push(`### ${title}`, '', ...own.map((line) => `- ${escapeMarkdown(line)}`), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Sequences down, kernels across: how many trials passed. */
function sequenceLines({ kernels, rows }: SequenceTable): string[] {
  const head = ['passed', ...kernels.map(({ distro, releases }) => [distro, ...releases].join(' '))];
  return [
    tableLine(head.map(escapeMarkdown)),
    tableLine(head.map(() => '---')),
    ...rows.map(({ label, cells }) => {
      const figures = kernels.map(({ distro }) => sequenceFigure(cells.get(distro)));
      return tableLine([label, ...figures].map(escapeMarkdown));
    }),
  ];
}

const tableLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function cellText(cell: CellSummary | undefined, missed: ReadonlySet<string>): string {
  if (cell === undefined) return '';
  if (cell.notMeasured !== null) return `*${notMeasuredWord(cell.notMeasured)}*`;
  const { count, rate, time } = figures(cell);
  const text = escapeMarkdown(`${count} ${rate} ${time} ${marks(cell)}`.trimEnd());
  return missed.has(cell.id) ? `**${text}**` : text;
}
