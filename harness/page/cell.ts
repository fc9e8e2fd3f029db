import { create, type Selection } from 'd3-selection';
import type { PageCause } from '../report/html/data.ts';
import { plural, quoted, rateWords } from '../report/words.ts';
import { drawCurve } from './curve.ts';
import { nameOf, type Cell, type Run } from './cells.ts';

type Panel = Selection<HTMLElement, undefined, null, undefined>;

/** Draws all details of a cell. `close` is the link that closes the panel. */
export function drawPanel(run: Run, cell: Cell, close: string): HTMLElement {
  const panel = create('article').attr('class', 'panel');
  const head = panel.append('header');
  head.append('a').attr('class', 'close').attr('href', close).attr('aria-label', 'Close this cell').text('✕');
  head
    .append('h2')
    .attr('tabindex', '-1')
    .text(nameOf(run, cell, 'workload'));
  head
    .append('p')
    .attr('class', 'soft')
    .text(
      (['distro', 'cgroup', 'runtime', 'strategy'] as const)
        .map((axis) => nameOf(run, cell, axis))
        .join(' / '),
    );
  drawFigure(panel, cell);
  const curve = drawCurve(run, cell);
  if (curve !== null) panel.append(() => curve);
  if (cell.causes !== undefined) drawCauses(panel, run, cell.causes);
  drawFacts(panel, run, cell);
  drawAgain(panel, run, cell);
  if (cell.console !== undefined) {
    panel.append('h3').text('Console');
    panel.append('pre').attr('tabindex', '0').text(run.data.texts[cell.console]!);
  }
  return panel.node()!;
}

function drawFigure(panel: Panel, { rate: figures, none, state, status }: Cell): void {
  const line = panel.append('p').attr('class', 'figure');
  const big = line.append('span').attr('class', 'big');
  if (figures === undefined) {
    big.text(none ?? '');
  } else {
    const [frozen, trials, rate, low, high] = figures;
    big.text(rateWords({ rate, low, high }));
    line.append('span').text(` ${frozen} of ${plural(trials, 'trial')} `);
  }
  const isWrong = status === 'failed' || status === 'error';
  line
    .append('span')
    .attr('class', isWrong ? 'badge fails' : 'badge')
    .text(state);
}

function drawFacts(panel: Panel, { data }: Run, { facts }: Cell): void {
  panel.append('h3').text('Seen');
  const list = panel.append('dl');
  for (const [name, value] of facts) {
    list.append('dt').text(data.texts[name]!);
    list.append('dd').text(data.texts[value]!);
  }
}

function drawAgain(panel: Panel, { data }: Run, { id }: Cell): void {
  panel.append('h3').text('Measure it again');
  const command = `frostline repro ${quoted(data.title)} ${quoted(id)}`;
  panel.append('pre').attr('class', 'command').attr('tabindex', '0').text(command);
}

function drawCauses(panel: Panel, { data }: Run, causes: readonly PageCause[]): void {
  const text = (number: number | null): string | null => (number === null ? null : data.texts[number]!);
  panel.append('h3').text('What most likely held it');
  for (const { trials, failed, name, why, todo, seen, stack } of causes) {
    const part = panel.append('section').attr('class', 'cause');
    part.append('h4').text(`${trials} of ${failed}: ${text(name) ?? 'something that no rule knows'}`);
    part
      .append('p')
      .attr('class', 'soft')
      .text(`seen: ${text(seen)}`);
    if (stack !== null) part.append('pre').attr('tabindex', '0').text(text(stack));
    if (why !== null) part.append('p').text(text(why));
    if (todo !== null) part.append('p').text(`→ ${text(todo)}`);
  }
}
