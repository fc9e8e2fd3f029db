import { axisLeft } from 'd3-axis';
import type { ScaleLinear } from 'd3-scale';
import type { Selection } from 'd3-selection';

export type Plot = Selection<SVGSVGElement, undefined, null, undefined>;

/** Draws the axis of rates in percent at `left`, with grid lines as long as the plot is `wide`. */
export function drawRateAxis(
  svg: Plot,
  y: ScaleLinear<number, number>,
  { left, wide }: { readonly left: number; readonly wide: number },
): void {
  svg.append('g').attr('transform', `translate(${left},0)`).call(axisLeft(y).ticks(5, '.0%').tickSize(-wide));
}
