import { scaleLinear, scalePoint } from 'd3-scale';
import { create, select } from 'd3-selection';
import { area, line } from 'd3-shape';
import type { PagePoint, TrendPage } from '../report/html/data.ts';
import { rateWords } from '../report/words.ts';
import { drawRateAxis, type Plot } from './axis.ts';
import { colours, onTheme } from './colour.ts';

const size = { width: 640, height: 180, left: 44, right: 16, top: 24, bottom: 30 };

/** Draws the rates of cells from run to run, with the numbers of each in a table. */
export function drawTrend(data: TrendPage): void {
  const body = select(document.body);
  const head = body.append('header').attr('class', 'top');
  head.append('h1').text(data.title);
  head
    .append('p')
    .text('Rate of FROZEN with its 95 % interval; a dashed line marks another kernel than before.');
  const main = body.append('main').attr('class', 'trends').node()!;
  const draw = (): void => {
    main.replaceChildren();
    for (const { cell, points } of data.cells) {
      const part = select(main).append('section').attr('class', 'trend');
      part.append('h2').text(cell);
      part.append(() => drawPlot(points));
      const fold = part.append('details');
      fold.append('summary').text(`${points.length} in numbers`);
      fold
        .append('div')
        .attr('class', 'scroll')
        .attr('tabindex', '0')
        .append(() => drawTable(points));
    }
    if (data.cells.length === 0) select(main).append('p').text('No counted trial of such a cell.');
    if (data.left > 0) select(main).append('p').text(`${data.left} more cells had no room: narrow --cell.`);
  };
  draw();
  onTheme(draw);
}

function drawPlot(points: readonly PagePoint[]): SVGSVGElement {
  const svg = create('svg:svg')
    .attr('viewBox', `0 0 ${size.width} ${size.height}`)
    .attr('role', 'img')
    .attr('aria-label', `From ${wordsOf(points[0]!)} to ${wordsOf(points.at(-1)!)}`) as unknown as Plot;
  const x = scalePoint(
    points.map((_, i) => i),
    [size.left + 12, size.width - size.right - 12],
  );
  const y = scaleLinear([0, 1], [size.height - size.bottom, size.top]);
  const at = (i: number): number => x(i)!;
  const [colour] = colours().lines;
  drawRateAxis(svg, y, { left: size.left, wide: size.width - size.left - size.right });
  const shade = area<PagePoint>(
    (_, i) => at(i),
    ({ low }) => y(low),
    ({ high }) => y(high),
  );
  svg.append('path').attr('d', shape(shade, points)).attr('fill', colour!).attr('opacity', 0.16);
  const path = line<PagePoint>(
    (_, i) => at(i),
    ({ rate }) => y(rate),
  );
  svg
    .append('path')
    .attr('d', shape(path, points))
    .attr('fill', 'none')
    .attr('stroke', colour!)
    .attr('stroke-width', 1.5);
  drawPoints(svg, points, { at, y, colour: colour! });
  drawKernels(svg, points, at);
  drawDays(svg, points, at);
  return svg.node()!;
}

const shape = (of: (points: PagePoint[]) => string | null, points: readonly PagePoint[]): string | null =>
  of([...points]);

function drawPoints(
  svg: Plot,
  points: readonly PagePoint[],
  { at, y, colour }: { at: (i: number) => number; y: (share: number) => number; colour: string },
): void {
  for (const [i, point] of points.entries()) {
    const mark = svg.append('g').attr('stroke', colour).attr('fill', colour);
    mark.append('title').text(wordsOf(point));
    mark
      .append('line')
      .attr('x1', at(i))
      .attr('x2', at(i))
      .attr('y1', y(point.low))
      .attr('y2', y(point.high))
      .attr('opacity', 0.5);
    mark.append('circle').attr('cx', at(i)).attr('cy', y(point.rate)).attr('r', 3);
  }
}

/** Marks where each kernel began, and names it unless the previous name leaves no room. */
function drawKernels(svg: Plot, points: readonly PagePoint[], at: (i: number) => number): void {
  let free = 0;
  for (const [i, { kernel }] of points.entries()) {
    if (kernel === null) continue;
    const mark = svg.append('g').attr('class', 'kernel');
    if (i > 0)
      mark
        .append('line')
        .attr('x1', at(i) - 5)
        .attr('x2', at(i) - 5)
        .attr('y1', size.top - 8)
        .attr('y2', size.height - size.bottom);
    mark.append('title').text(kernel);
    if (at(i) < free) continue;
    const isLate = at(i) > size.width * 0.7;
    mark
      .append('text')
      .attr('x', at(i) - 2)
      .attr('y', size.top - 10)
      .attr('text-anchor', isLate ? 'end' : 'start')
      .text(kernel);
    free = at(i) + kernel.length * 6.5;
  }
}

/** Labels as many dates as fit. */
function drawDays(svg: Plot, points: readonly PagePoint[], at: (i: number) => number): void {
  let free = 0;
  for (const [i, { at: name }] of points.entries()) {
    if (at(i) < free) continue;
    svg
      .append('text')
      .attr('class', 'day')
      .attr('x', at(i))
      .attr('y', size.height - size.bottom + 18)
      .attr('text-anchor', i === 0 ? 'start' : at(i) > size.width - 60 ? 'end' : 'middle')
      .text(dayOf(name));
    free = at(i) + 84;
  }
}

function drawTable(points: readonly PagePoint[]): HTMLTableElement {
  const table = create('table').attr('class', 'numbers');
  const head = table.append('thead').append('tr');
  for (const name of ['when', 'frozen', 'rate', 'kernel']) head.append('th').attr('scope', 'col').text(name);
  const body = table.append('tbody');
  for (const point of points) {
    const row = body.append('tr');
    row.append('th').attr('scope', 'row').text(point.at);
    row.append('td').text(`${point.frozen}/${point.trials}`);
    row.append('td').text(rateWords(point));
    row.append('td').text(point.kernel ?? '');
  }
  return table.node()!;
}

const wordsOf = (point: PagePoint): string =>
  `${point.at}: ${rateWords(point)}, ${point.frozen} of ${point.trials}`;

/** A day as it is; for a run's id, which begins with its instant, the day and time. */
const dayOf = (name: string): string =>
  name.length > 10 ? `${name.slice(5, 10)} ${name.slice(11, 16).replace('-', ':')}` : name;
