import type { CellSummary } from '../../analyse/summary.ts';
import type { Comparison } from '../../analyse/compare.ts';
import { escapeMarkdown } from '../escape.ts';
import { plural } from '../words.ts';
import {
  apartLine,
  baseLines,
  columns,
  factLine,
  lostLine,
  methodLine,
  sortRows,
  troubleLines,
  verdictLine,
  type ChangeRow,
} from './words.ts';

/** Limit of rows and lines per list: a comment on GitHub holds 65,536 characters. */
const shown = 60;

/** A comparison as a comment on a pull request: the verdict, what changed, and the rest folded; ends with a newline. */
export function markdownComparison(comparison: Comparison): string {
  const { head, facts, lost, apart, added, gone } = comparison;
  const { changed, rest } = sortRows(comparison);
  const lines = [
    `**${verdictLine(comparison)}**`,
    '',
    escapeMarkdown(`${baseLines(comparison).join('; ')}, then ${head.id}`),
    '',
  ];
  if (changed.length > 0) lines.push(...table(changed), '');
  lines.push(...list('Changed besides', facts.map(factLine)));
  lines.push(...list('Crashes, hangs and thaws', troubleLines(comparison)));
  if (rest.length > 0)
    lines.push(...folded(`${plural(rest.length, 'rate')} undecided or the same`, table(rest)));
  lines.push(...foldedList('Measured in one run alone: why', lost.map(lostLine)));
  lines.push(...list('Not compared: under other conditions', apart.map(apartLine)));
  lines.push(
    ...foldedList('New cells', added.map(idOf)),
    ...foldedList('Cells that are gone', gone.map(idOf)),
  );
  lines.push(`<sub>${escapeMarkdown(methodLine(comparison))}</sub>`);
  return `${lines.join('\n')}\n`;
}

const idOf = ({ id }: CellSummary): string => id;

function table(rows: readonly ChangeRow[]): string[] {
  const cells = rows.slice(0, shown).map((row) => {
    const change = row.change === 'worse' ? '**worse**' : row.change;
    const texts = [row.cell, row.base, row.head, row.difference, row.p].map(escapeMarkdown);
    return tableLine([change, ...texts]);
  });
  return [tableLine(columns), tableLine(columns.map(() => '---')), ...cells, ...more(rows.length)];
}

const tableLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const more = (count: number): string[] =>
  count > shown ? ['', `and ${count - shown} more: \`frostline compare --format json\` has all`] : [];

const items = (lines: readonly string[]): string[] => [
  ...lines.slice(0, shown).map((line) => `- ${escapeMarkdown(line)}`),
  ...more(lines.length),
];

const list = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${title}:`, '', ...items(lines), ''];

const foldedList = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : folded(`${title} (${lines.length})`, items(lines));

const folded = (title: string, lines: readonly string[]): string[] => [
  `<details><summary>${title}</summary>`,
  '',
  ...lines,
  '',
  '</details>',
  '',
];
