import { select } from 'd3-selection';
import type { RunPage } from '../report/html/data.ts';
import { hashOf, readAddress, type Address } from './address.ts';
import { drawPanel } from './cell.ts';
import { readRun, shownCells, type Cell, type Run } from './cells.ts';
import { stateMark } from '../report/words.ts';
import { colours, onTheme } from './colour.ts';
import { drawFilters, syncFilters } from './filters.ts';
import { drawHeat, markOpen } from './heat.ts';

/** Draws the report of a run, and redraws it when the address changes. */
export function drawRun(data: RunPage): void {
  const run = readRun(data);
  const page = new Page(run);
  page.follow();
  addEventListener('hashchange', () => page.follow());
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape') page.close();
  });
  onTheme(() => page.draw());
}

class Page {
  readonly #run: Run;
  readonly #maps: HTMLElement;
  readonly #aside: HTMLElement;
  readonly #legend: HTMLElement;
  #address: Address;
  #followed: string | null = null;
  /** The filters of the maps as they are now drawn. */
  #drawn: string | null = null;

  constructor(run: Run) {
    this.#run = run;
    this.#address = readAddress();
    const body = select(document.body);
    drawHead(body.append('header').attr('class', 'top').node()!, run.data);
    const main = body.append('main').node()!;
    drawFilters(main, run, { now: () => this.#address, go: this.#go });
    this.#legend = select(main).append('p').attr('class', 'legend').node()!;
    const columns = select(main).append('div').attr('class', 'columns');
    this.#maps = columns.append('div').attr('class', 'maps').node()!;
    this.#aside = columns.append('aside').attr('aria-label', 'The open cell').node()!;
    drawNotes(main, run.data);
  }

  /** Goes to an address and shows it at once, before the browser reports the change. */
  readonly #go = (address: Address): void => {
    location.hash = hashOf(address);
    this.follow();
  };

  /** Shows the current address; does nothing when it is already shown. */
  follow(): void {
    if (this.#followed === location.hash) return;
    this.#followed = location.hash;
    const before = this.#address.cell;
    this.#address = readAddress();
    const filters = hashOf({ ...this.#address, cell: null });
    if (filters === this.#drawn) markOpen(this.#maps, this.#address.cell);
    else this.#drawMaps(filters);
    this.#drawPanel(this.#address.cell !== before);
  }

  /** Redraws everything in the current colours. */
  draw(): void {
    this.#drawMaps(hashOf({ ...this.#address, cell: null }));
    this.#drawPanel(false);
  }

  close(): void {
    if (this.#address.cell !== null) this.#go({ ...this.#address, cell: null });
  }

  #drawMaps(filters: string): void {
    syncFilters(document.body, this.#address);
    const shown = shownCells(this.#run, this.#address);
    drawHeat(this.#maps, this.#run, { shown, address: this.#address });
    drawLegend(this.#legend, shown, this.#run.cells);
    this.#drawn = filters;
  }

  #drawPanel(isNew: boolean): void {
    const { cell: open } = this.#address;
    const before = this.#aside.querySelector('article')?.dataset['cell'];
    const cell = this.#run.cells.find(({ id }) => id === open);
    this.#aside.replaceChildren();
    this.#aside.hidden = cell === undefined;
    if (cell !== undefined) {
      const panel = drawPanel(this.#run, cell, hashOf({ ...this.#address, cell: null }));
      panel.dataset['cell'] = cell.id;
      this.#aside.append(panel);
      if (isNew) panel.querySelector('h2')?.focus({ preventScroll: innerWidth >= 1100 });
    } else if (isNew && before !== undefined) {
      const links = this.#maps.querySelectorAll<HTMLElement>('a[data-cell]');
      [...links].find(({ dataset }) => dataset['cell'] === before)?.focus();
    }
  }
}

const badges: Readonly<Record<RunPage['exitCode'], string>> = {
  0: '✔ measured',
  1: '✕ bad',
  69: '? not all measured',
};

function drawHead(root: HTMLElement, { title, verdict, exitCode, facts }: RunPage): void {
  const head = select(root);
  head.append('h1').text(title);
  const line = head.append('p').attr('class', 'verdict');
  line
    .append('span')
    .attr('class', `badge ${exitCode === 0 ? 'works' : 'fails'}`)
    .text(badges[exitCode]);
  line.append('span').text(` ${verdict}`);
  const list = head.append('dl').attr('class', 'facts');
  for (const [name, value] of facts) {
    const pair = list.append('div');
    pair.append('dt').text(name);
    pair.append('dd').text(value);
  }
}

/** The meanings of the marks beside rates. */
const stateMeanings: readonly (readonly [state: Cell['state'], meaning: string])[] = [
  ['missed', 'missed what was expected'],
  ['crashed', 'the kernel crashed or hung'],
  ['undecided', 'undecided'],
  ['incomplete', 'incomplete'],
  ['unjudged', 'unjudged'],
];

function drawLegend(root: HTMLElement, shown: readonly Cell[], all: readonly Cell[]): void {
  const line = select(root);
  root.replaceChildren();
  const cells =
    shown.length === all.length ? `${all.length} cells. ` : `${shown.length} of ${all.length} cells. `;
  line.append('span').text(cells);
  line.append('span').text('Rate of FROZEN in percent, its 95 % interval as a bar: ');
  const { ofRate } = colours();
  for (const rate of [0, 0.25, 0.5, 0.75, 0.9, 1]) {
    const { back, ink } = ofRate(rate);
    line
      .append('span')
      .attr('class', 'swatch')
      .style('background-color', back)
      .style('color', ink)
      .text(rate * 100);
  }
  for (const [state, meaning] of stateMeanings) {
    if (!all.some((cell) => cell.state === state)) continue;
    const isBad = state === 'missed' || state === 'crashed';
    line
      .append('span')
      .attr('class', isBad ? 'swatch failed' : 'swatch')
      .text(stateMark(state));
    line.append('span').text(` ${meaning}, `);
  }
  for (const [mark, meaning] of [
    ['–', 'the kernel has no such thing, '],
    ['✕', 'it always crashed or hung, '],
    ['?', 'not measured'],
  ] as const) {
    line.append('span').attr('class', 'swatch none').text(mark);
    line.append('span').text(` ${meaning}`);
  }
}

function drawNotes(root: HTMLElement, { notes }: RunPage): void {
  const part = select(root).append('section').attr('class', 'notes');
  for (const { title, lines } of notes) {
    const fold = part.append('details');
    fold.append('summary').text(`${title} (${lines.length})`);
    const list = fold.append('ul');
    for (const line of lines) list.append('li').text(line);
  }
}
