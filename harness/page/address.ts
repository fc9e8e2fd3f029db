import { axisNames, type AxisName } from '../matrix/axes.ts';

/** Which cells are shown: all, those that did not freeze in every trial, those that failed or were not measured. */
export type Show = 'all' | 'unsure' | 'failed';

/** The view of a page. It is part of the address, so that it can be linked to. */
export interface Address {
  /** The id of the open cell; null for none. */
  readonly cell: string | null;
  readonly show: Show;
  /** The names shown on each axis; an empty set shows all. */
  readonly only: Readonly<Record<AxisName, ReadonlySet<string>>>;
}

export function readAddress(): Address {
  const words = new URLSearchParams(location.hash.slice(1));
  const show = words.get('show');
  const only = axisNames.map((axis) => [axis, new Set(words.getAll(axis))]);
  return {
    cell: words.get('cell'),
    show: show === 'unsure' || show === 'failed' ? show : 'all',
    only: Object.fromEntries(only) as Record<AxisName, Set<string>>,
  };
}

/** The hash of a link to this view. */
export function hashOf({ cell, show, only }: Address): string {
  const words = new URLSearchParams();
  for (const axis of axisNames) for (const name of only[axis]) words.append(axis, name);
  if (show !== 'all') words.set('show', show);
  if (cell !== null) words.set('cell', cell);
  return `#${words.toString()}`;
}
