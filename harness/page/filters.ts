import { select } from 'd3-selection';
import { axisNames, type AxisName } from '../matrix/axes.ts';
import type { Address, Show } from './address.ts';
import type { Run } from './cells.ts';

const shows: Readonly<Record<Show, string>> = {
  all: 'all cells',
  unsure: 'not frozen in every trial',
  failed: 'failed or not measured',
};

/** With more names than this the filters start folded. */
const namesShown = 60;

/** The current address, and navigation to another. */
export interface Ways {
  readonly now: () => Address;
  readonly go: (address: Address) => void;
}

/** Draws choices for each axis with several names; each choice has its own address. */
export function drawFilters(root: HTMLElement, run: Run, { now, go }: Ways): void {
  const address = now();
  const axes = axisNames.filter((axis) => run.data.axes[axis].length > 1);
  const names = axes.reduce((sum, axis) => sum + run.data.axes[axis].length, 0);
  const fold = select(root)
    .append('details')
    .attr('class', 'filters')
    .property('open', names <= namesShown);
  fold.append('summary').text('Filter');
  const cells = fold.append('fieldset');
  cells.append('legend').text('cells');
  for (const show of Object.keys(shows) as Show[])
    drawChoice(cells.append('label').node()!, {
      ...{ type: 'radio', name: 'show', value: show, text: shows[show], isOn: address.show === show },
      choose: () => go({ ...now(), show }),
    });
  for (const axis of axes) {
    const set = fold.append('fieldset');
    set.append('legend').text(axis);
    for (const name of run.data.axes[axis])
      drawChoice(set.append('label').node()!, {
        ...{ type: 'checkbox', name: axis, value: name, text: name, isOn: address.only[axis].has(name) },
        choose: (isOn) =>
          go({ ...now(), only: { ...now().only, [axis]: toggled(now().only[axis], name, isOn) } }),
      });
  }
}

interface Choice {
  readonly type: 'radio' | 'checkbox';
  readonly name: AxisName | 'show';
  readonly value: string;
  readonly text: string;
  readonly isOn: boolean;
  readonly choose: (isOn: boolean) => void;
}

function drawChoice(label: HTMLLabelElement, { type, name, value, text, isOn, choose }: Choice): void {
  const box = select(label)
    .append('input')
    .attr('type', type)
    .attr('name', name)
    .attr('value', value)
    .property('checked', isOn);
  select(label).append('span').text(text);
  box.on('change', () => choose(box.property('checked') as boolean));
}

function toggled(names: ReadonlySet<string>, name: string, isOn: boolean): Set<string> {
  const next = new Set(names);
  if (isOn) next.add(name);
  else next.delete(name);
  return next;
}

/** Checks the boxes that the address selects; the browser's Back button may have changed it. */
export function syncFilters(root: HTMLElement, { show, only }: Address): void {
  for (const box of root.querySelectorAll<HTMLInputElement>('.filters input'))
    box.checked = box.name === 'show' ? show === box.value : only[box.name as AxisName].has(box.value);
}
