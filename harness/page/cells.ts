import { axisNames, type AxisName } from '../matrix/axes.ts';
import type { PageCell, RunPage } from '../report/html/data.ts';
import type { Address } from './address.ts';

/** A cell with its id. */
export interface Cell extends PageCell {
  readonly id: string;
}

export interface Run {
  readonly data: RunPage;
  readonly cells: readonly Cell[];
}

export function readRun(data: RunPage): Run {
  const cells = data.cells.map((cell) => ({
    ...cell,
    id: axisNames.map((axis, i) => data.axes[axis][cell.at[i]!]).join('/'),
  }));
  return { data, cells };
}

export const nameOf = ({ data }: Run, { at }: Cell, axis: AxisName): string =>
  data.axes[axis][at[axisNames.indexOf(axis)]!]!;

/** The cells that an address selects. */
export function shownCells(run: Run, { show, only }: Address): Cell[] {
  return run.cells.filter(
    (cell) =>
      axisNames.every((axis) => only[axis].size === 0 || only[axis].has(nameOf(run, cell, axis))) &&
      (show === 'all' || (show === 'unsure' ? cell.rate === undefined || cell.rate[2] < 1 : isWrong(cell))),
  );
}

const isWrong = ({ status }: Cell): boolean => status === 'failed' || status === 'error';
