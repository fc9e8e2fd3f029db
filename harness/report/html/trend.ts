import type { TrendPoint } from '../../history/trend.ts';
import { escapeTerminal } from '../escape.ts';
import type { PagePoint, TrendPage } from './data.ts';

const cellsKept = 200;
const pointsKept = 120;

/** The data of the trend page: the latest points of the first cells. */
export function trendPage(points: readonly TrendPoint[]): TrendPage {
  const cells = new Map<string, TrendPoint[]>();
  for (const point of points) {
    const own = cells.get(point.cell);
    if (own === undefined) cells.set(point.cell, [point]);
    else own.push(point);
  }
  const shown = [...cells].slice(0, cellsKept);
  return {
    kind: 'trend',
    title: 'Rates from run to run',
    cells: shown.map(([cell, own]) => ({
      cell: escapeTerminal(cell),
      points: own.slice(-pointsKept).map(pointOf),
    })),
    left: cells.size - shown.length,
  };
}

function pointOf(
  { at, frozen, trials, rate, low, high, kernelChanged, releases }: TrendPoint,
  i: number,
): PagePoint {
  const kernel = kernelChanged || i === 0 ? escapeTerminal(releases.join(', ')) : null;
  return { at: escapeTerminal(at), frozen, trials, rate, low, high, kernel };
}
