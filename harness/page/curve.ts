import { axisBottom } from 'd3-axis';
import { format } from 'd3-format';
import { scaleLinear, scaleLog, type ScaleLinear, type ScaleLogarithmic } from 'd3-scale';
import { create, type Selection } from 'd3-selection';
import { area, curveStepAfter, line } from 'd3-shape';
import { kaplanMeier, type Step } from '../analyse/times.ts';
import { drawRateAxis, type Plot } from './axis.ts';
import { colours } from './colour.ts';
import { nameOf, type Cell, type Run } from './cells.ts';

const size = { width: 460, height: 250, left: 40, right: 12, top: 10, bottom: 34 };

interface Scales {
  readonly x: ScaleLogarithmic<number, number>;
  readonly y: ScaleLinear<number, number>;
}

/** The curve of one strategy. */
interface Curve {
  readonly name: string;
  readonly isOpen: boolean;
  readonly steps: readonly Step[];
  readonly colour: string;
  readonly dash: string | null;
}

/**
 * Draws how many had frozen over time: the open cell with its interval, and the other strategies; null without times.
 */
export function drawCurve(run: Run, open: Cell): HTMLElement | null {
  const peers = run.cells.filter(
    ({ at, curve }) => curve !== undefined && [0, 1, 2, 3].every((axis) => at[axis] === open.at[axis]),
  );
  const { lines } = colours();
  const curves = peers.map((cell, i): Curve => ({
    name: nameOf(run, cell, 'strategy'),
    isOpen: cell.id === open.id,
    steps: stepsOf(cell),
    colour: lines[i % lines.length]!,
    dash: i % 3 === 0 ? null : i % 3 === 1 ? '6 3' : '2 3',
  }));
  const times = curves.flatMap(({ steps }) => steps.map(({ at }) => at)).filter((at) => at > 0);
  if (times.length === 0) return null;
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const scales: Scales = {
    x: scaleLog([first / 1.5, last * 1.5], [size.left, size.width - size.right]),
    y: scaleLinear([0, 1], [size.height - size.bottom, size.top]),
  };
  const figure = create('figure').attr('class', 'curve');
  figure.append(() => drawPlot(curves, scales));
  const key = figure.append('figcaption');
  key
    .append('span')
    .text(
      'Share of trials that had frozen, by time; the shade is the 95 % interval, as of independent trials.',
    );
  for (const one of curves) drawKey(key.append('span').attr('class', 'key'), one);
  return figure.node();
}

/** Trials that did not freeze gave up after the last one that did. */
function stepsOf({ curve = [], rate }: Cell): Step[] {
  const reached: number[] = [];
  for (let i = 0; i < curve.length; i += 2) while (reached.length < curve[i + 1]!) reached.push(curve[i]!);
  const rest = (rate?.[1] ?? 0) - reached.length;
  return kaplanMeier(
    reached,
    Array.from({ length: rest }, () => reached.at(-1) ?? 0),
  );
}

function drawPlot(curves: readonly Curve[], scales: Scales): SVGSVGElement {
  const svg = create('svg:svg')
    .attr('viewBox', `0 0 ${size.width} ${size.height}`)
    .attr('role', 'img')
    .attr(
      'aria-label',
      curves.map(({ name, steps }) => `${name}: ${wordsOf(steps)}`).join('; '),
    ) as unknown as Plot;
  const { x, y } = scales;
  svg
    .append('g')
    .attr('transform', `translate(0,${size.height - size.bottom})`)
    .call(axisBottom(x).ticks(5, (us: number) => timeText(us)));
  drawRateAxis(svg, y, { left: size.left, wide: size.width - size.left - size.right });
  for (const one of curves.filter(({ isOpen }) => isOpen)) drawBand(svg, one, scales);
  for (const one of curves) drawLine(svg, one, scales);
  return svg.node()!;
}

/** Extends the steps to the left and right edges. */
function around(steps: readonly Step[], { x }: Scales): Step[] {
  const [from, to] = x.domain() as [number, number];
  const last = steps.at(-1);
  return [
    { at: from, share: 0, low: 0, high: 0 },
    ...steps,
    ...(last === undefined ? [] : [{ ...last, at: to }]),
  ];
}

function drawBand(svg: Plot, { steps, colour }: Curve, scales: Scales): void {
  const { x, y } = scales;
  const shape = area<Step>(
    (step) => x(Math.max(step.at, x.domain()[0]!)),
    (step) => y(step.low),
    (step) => y(step.high),
  );
  svg
    .append('path')
    .attr('d', shape.curve(curveStepAfter)(around(steps, scales)))
    .attr('fill', colour)
    .attr('opacity', 0.18);
}

function drawLine(svg: Plot, { steps, colour, dash, isOpen }: Curve, scales: Scales): void {
  const { x, y } = scales;
  const shape = line<Step>(
    (step) => x(Math.max(step.at, x.domain()[0]!)),
    (step) => y(step.share),
  ).curve(curveStepAfter);
  svg
    .append('path')
    .attr('d', shape(around(steps, scales)))
    .attr('fill', 'none')
    .attr('stroke', colour)
    .attr('stroke-width', isOpen ? 2.5 : 1.5)
    .attr('stroke-dasharray', dash);
}

function drawKey(
  key: Selection<HTMLSpanElement, undefined, null, undefined>,
  { name, colour, dash, isOpen }: Curve,
): void {
  key
    .append('svg')
    .attr('viewBox', '0 0 26 8')
    .attr('aria-hidden', 'true')
    .append('path')
    .attr('d', 'M0 4H26')
    .attr('stroke', colour)
    .attr('stroke-width', isOpen ? 2.5 : 1.5)
    .attr('stroke-dasharray', dash);
  key.append(isOpen ? 'strong' : 'span').text(name);
}

const wordsOf = (steps: readonly Step[]): string => {
  const last = steps.at(-1);
  return last === undefined
    ? 'none froze'
    : `${format('.0%')(last.share)} had frozen after ${timeText(last.at)}`;
};

/** Microseconds in a suitable unit. */
export function timeText(us: number): string {
  if (us < 1000) return `${format('~g')(us)} µs`;
  return us < 1_000_000 ? `${format('~g')(us / 1000)} ms` : `${format('~g')(us / 1_000_000)} s`;
}
