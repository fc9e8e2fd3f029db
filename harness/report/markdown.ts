import type { Judgement } from '../analyse/expect.ts';
import type { CellSummary, Summary } from '../analyse/summary.ts';
import { escapeMarkdown } from './escape.ts';
import { notes } from './notes.ts';
import { tabulate } from './table.ts';
import { heading } from './terminal.ts';
import { figures, marks, notMeasuredWord } from './words.ts';

/** A summary as GitHub Markdown: the table, then the notes as lists; ends with a newline. */
export function markdownReport(summary: Summary, judgements: readonly Judgement[]): string {
  const { strategies, sections } = tabulate(summary);
  const missed = new Set(judgements.filter(({ verdict }) => verdict === 'missed').map(({ cell }) => cell.id));
  const lines = [`## ${escapeMarkdown(heading(summary.run))}`, ''];
  if (sections.length === 0) lines.push('No cell was planned and no trial is recorded.', '');
  else {
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
  for (const { title, lines: own } of notes(summary, judgements)) {
    lines.push(`### ${title}`, '', ...own.map((line) => `- ${escapeMarkdown(line)}`), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

const tableLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function cellText(cell: CellSummary | undefined, missed: ReadonlySet<string>): string {
  if (cell === undefined) return '';
  if (cell.notMeasured !== null) return `*${notMeasuredWord(cell.notMeasured)}*`;
  const { count, rate, time } = figures(cell);
  const text = escapeMarkdown(`${count} ${rate} ${time} ${marks(cell)}`.trimEnd());
  return missed.has(cell.id) ? `**${text}**` : text;
}
