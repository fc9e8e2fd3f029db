import { create, select, type Selection } from 'd3-selection';
import { percent, stateMark } from '../report/words.ts';
import { hashOf, type Address } from './address.ts';
import { colours } from './colour.ts';
import { nameOf, type Cell, type Run } from './cells.ts';
import { groupBy } from '../report/group.ts';

/** Marks of cells without a rate, so that they can be told apart without colour. */
const marks: Readonly<Record<Cell['state'], string>> = {
  unsupported: '–',
  crashed: '✕',
  missed: '✕',
  // a kernel that was expected to crash
  measured: '✕',
  undecided: '✕',
  unjudged: '✕',
  incomplete: '?',
  'not-measured': '?',
};

/**
 * Draws heat maps of kernels and workloads, one per strategy, cgroup version and runtime; redraws them on each call.
 */
export function drawHeat(
  root: HTMLElement,
  run: Run,
  { shown, address }: { shown: readonly Cell[]; address: Address },
): void {
  const maps = groupBy(shown, ({ at }) => [at[4], at[1], at[2]].join(' '));
  const names = (cell: Cell): string[] =>
    (['strategy', 'cgroup', 'runtime'] as const)
      .filter((axis) => run.data.axes[axis].length > 1 || axis !== 'runtime')
      .map((axis) => nameOf(run, cell, axis));
  root.replaceChildren();
  if (shown.length === 0) select(root).append('p').attr('class', 'empty').text('No cell is like that.');
  for (const cells of maps.values()) {
    const figure = select(root).append('section').attr('class', 'map');
    const title = names(cells[0]!).join(' · ');
    figure.append('h3').text(title);
    figure
      .append('div')
      .attr('class', 'scroll')
      .append(() => drawMap(run, cells, { title, address }));
  }
  markOpen(root, address.cell);
}

/** Highlights the open cell. */
export function markOpen(root: HTMLElement, open: string | null): void {
  for (const link of root.querySelectorAll<HTMLElement>('a[data-cell]'))
    link.toggleAttribute('aria-current', link.dataset['cell'] === open);
}

function drawMap(
  run: Run,
  cells: readonly Cell[],
  { title, address }: { title: string; address: Address },
): HTMLElement {
  const table = create('table');
  const columns = distinct(cells.map(({ at }) => at[0]));
  const rows = distinct(cells.map(({ at }) => at[3]));
  const byPlace = new Map(cells.map((cell) => [`${cell.at[3]} ${cell.at[0]}`, cell]));
  table.append('caption').attr('class', 'unseen').text(`Rates of ${title}, in percent: workloads by kernels`);
  const head = table.append('thead').append('tr');
  head.append('td');
  for (const column of columns) {
    const release = run.data.releases[column]!;
    const name = head.append('th').attr('scope', 'col').attr('title', release).append('span');
    name.text(run.data.axes.distro[column]!);
    const [version] = /^\d+(\.\d+)+/.exec(release) ?? [];
    if (version !== undefined) name.append('small').text(version);
  }
  const body = table.append('tbody');
  for (const row of rows) {
    const line = body.append('tr');
    line.append('th').attr('scope', 'row').text(run.data.axes.workload[row]!);
    for (const column of columns)
      drawCell(line.append('td'), run, { cell: byPlace.get(`${row} ${column}`), address });
  }
  const node = table.node()!;
  node.querySelector('a')?.setAttribute('tabindex', '0');
  node.addEventListener('keydown', move);
  return node;
}

function drawCell(
  place: Selection<HTMLTableCellElement, undefined, null, undefined>,
  run: Run,
  { cell, address }: { cell: Cell | undefined; address: Address },
): void {
  if (cell === undefined) return;
  const link = place
    .append('a')
    .attr('href', hashOf({ ...address, cell: cell.id }))
    .attr('data-cell', cell.id)
    .attr('tabindex', '-1')
    .attr('aria-label', labelOf(run, cell))
    .attr('class', `cell ${cell.status}`);
  if (cell.rate === undefined) {
    link.classed('none', true).text(marks[cell.state]);
    return;
  }
  const [, , rate, low, high] = cell.rate;
  const { back, ink } = colours().ofRate(rate);
  link.style('background-color', back).style('color', ink).text(percent(rate));
  // beside the rate, not part of its text
  link.attr('data-mark', stateMark(cell.state));
  // the interval; the left edge is 0, the right edge 1
  link
    .append('span')
    .attr('class', 'interval')
    .style('left', `${low * 100}%`)
    .style('width', `${Math.max(2, (high - low) * 100)}%`);
}

function labelOf(run: Run, cell: Cell): string {
  const where = `${nameOf(run, cell, 'workload')} on ${nameOf(run, cell, 'distro')}`;
  const state = cell.state === 'measured' ? '' : `, ${cell.state}`;
  if (cell.rate === undefined) return `${where}: ${cell.none ?? ''}${state}`;
  const [frozen, trials, rate, low, high] = cell.rate;
  return `${where}: ${percent(rate)} percent, ${percent(low)} to ${percent(high)}, ${frozen} of ${trials}${state}`;
}

const steps: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** Arrow keys move between cells, the tab key between maps. */
function move(event: KeyboardEvent): void {
  const step = steps[event.key];
  const table = event.currentTarget as HTMLTableElement;
  const from = (event.target as Element).closest('td');
  if (step === undefined || from === null) return;
  event.preventDefault();
  let [row, column] = [(from.parentElement as HTMLTableRowElement).rowIndex, from.cellIndex];
  for (;;) {
    row += step[0];
    column += step[1];
    const place = table.rows[row]?.cells[column];
    if (place === undefined || place.tagName === 'TH') return;
    const link = place.querySelector('a');
    if (link === null) continue;
    from.querySelector('a')!.tabIndex = -1;
    link.tabIndex = 0;
    link.focus();
    return;
  }
}

/** The distinct numbers, in the order of the matrix. */
const distinct = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
