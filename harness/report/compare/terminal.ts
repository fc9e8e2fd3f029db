import type { Comparison } from '../../analyse/compare.ts';
import { escapeTerminal } from '../escape.ts';
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

/** Limit of lines per list; JSON has them all. */
const shown = 20;

/** A comparison as text for a terminal or a log, the verdict first; ends with a newline. */
export function terminalComparison(comparison: Comparison, { colour }: { readonly colour: boolean }): string {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const { head, facts, lost, apart, added, gone } = comparison;
  const { changed, rest } = sortRows(comparison);
  const worse = changed.some(({ change }) => change === 'worse');
  const lines = [
    paint(worse ? 31 : 1, verdictLine(comparison)),
    ...baseLines(comparison).map((line, i) => escapeTerminal(`${i === 0 ? 'base' : '    '} ${line}`)),
    escapeTerminal(`head ${head.id}`),
    '',
  ];
  const section = (title: string, own: readonly string[]): void => {
    if (own.length === 0) return;
    const more = own.length > shown ? [`and ${own.length - shown} more: --format json has all`] : [];
    const texts = [...own.slice(0, shown).map(escapeTerminal), ...more];
    lines.push(paint(1, title), ...texts.map((line) => `  ${line}`.trimEnd()), '');
  };
  section('Changed', table(changed));
  section('Undecided', table(rest.filter(({ change }) => change === 'undecided')));
  section('Changed besides', facts.map(factLine));
  section('Crashes, hangs and thaws', troubleLines(comparison));
  section('Measured in one run alone', lost.map(lostLine));
  section('Not compared: under other conditions (--mixed compares them)', apart.map(apartLine));
  section(
    'New cells',
    added.map(({ id }) => id),
  );
  section(
    'Cells that are gone',
    gone.map(({ id }) => id),
  );
  section('Method', [methodLine(comparison)]);
  return `${lines.join('\n').trimEnd()}\n`;
}

function table(rows: readonly ChangeRow[]): string[] {
  if (rows.length === 0) return [];
  const lines = [
    [...columns],
    ...rows.map(({ change, cell, base, head, difference, p }) =>
      [change, cell, base, head, difference, p].map(escapeTerminal),
    ),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((text, i) => text.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
