import type { TrendPoint } from '../../history/trend.ts';
import { escapeTerminal } from '../escape.ts';
import { plural, rateWords } from '../words.ts';

const pointsShown = 30;
const cellsShown = 8;
const barWidth = 41;

/** Trends as text for a terminal: the latest points of the first cells; ends with a newline. */
export function terminalTrend(
  points: readonly TrendPoint[],
  { colour }: { readonly colour: boolean },
): string {
  const bold = (text: string): string => (colour ? `\u001b[1m${text}\u001b[0m` : text);
  const cells = byCell(points);
  const lines = [...cells].slice(0, cellsShown).flatMap(([cell, own]) => {
    const shown = own.slice(-pointsShown);
    const widths = {
      at: Math.max(...shown.map(({ at }) => at.length)),
      rate: Math.max(...shown.map((point) => figureOf(point).length)),
    };
    const before = own.length - shown.length;
    return [
      bold(escapeTerminal(cell)),
      ...(before > 0 ? [`  ${plural(before, 'earlier point')}: --format csv has all`] : []),
      `  ${' '.repeat(widths.at + widths.rate + 4)}${scale}`,
      ...shown.map((point, i) => {
        const words = [
          point.at.padEnd(widths.at),
          figureOf(point).padEnd(widths.rate),
          bar(point),
          told(point, i === 0),
        ];
        return `  ${words.map(escapeTerminal).join('  ')}`.trimEnd();
      }),
      '',
    ];
  });
  if (cells.size > cellsShown)
    lines.push(`${plural(cells.size - cellsShown, 'more cell')}: --format csv has all`, '');
  if (lines.length === 0) return 'No counted trial of such a cell.\n';
  lines.push(
    'Rates: 95 % interval -, rate o; 0 % on the left, 100 % on the right. Marked >: another kernel than before.',
  );
  return `${lines.join('\n')}\n`;
}

function byCell(points: readonly TrendPoint[]): ReadonlyMap<string, TrendPoint[]> {
  const cells = new Map<string, TrendPoint[]>();
  for (const point of points) {
    const own = cells.get(point.cell);
    if (own === undefined) cells.set(point.cell, [point]);
    else own.push(point);
  }
  return cells;
}

const figureOf = (point: TrendPoint): string => `${point.frozen}/${point.trials} ${rateWords(point)}`;

const scale = `0${'%'.padEnd(barWidth - 4)}100%`;

/** The interval as a line with the rate marked on it. */
function bar({ low, high, rate }: TrendPoint): string {
  const at = (share: number): number => Math.round(share * (barWidth - 1));
  const marks = Array.from<unknown, string>({ length: barWidth }, (_, i) =>
    i < at(low) || i > at(high) ? ' ' : '-',
  );
  marks[at(rate)] = 'o';
  return `|${marks.join('')}|`;
}

function told({ releases, machines, kernelChanged, machinesChanged }: TrendPoint, first: boolean): string {
  const kernel = releases.join(' and ');
  const emulation = machines.join(' and ');
  return [
    kernelChanged ? `> ${kernel}` : first ? kernel : '',
    machinesChanged ? `> ${emulation}` : first ? `(${emulation})` : '',
  ]
    .filter((word) => word !== '')
    .join(' ');
}
