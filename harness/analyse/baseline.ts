import type { Judgement } from './expect.ts';
import { stateCodes, statesOf, type StatedCell } from './state.ts';
import type { CellSummary, RunName, Summary } from './summary.ts';

/** A run and the judgements of its expectations. */
export interface JudgedRun {
  readonly summary: Summary;
  readonly judgements: readonly Judgement[];
}

/** Cells whose base comes from an earlier run than that of the other cells. */
export interface Earlier {
  readonly run: RunName;
  readonly cells: readonly string[];
}

export interface Baseline {
  /** The first run, with some cells replaced by those of earlier runs. */
  readonly summary: Summary;
  readonly earlier: readonly Earlier[];
}

/** Measured in full and with nothing wrong, so a later value can be compared with it. */
const isSettled = ({ state }: StatedCell): boolean => stateCodes[state] === 0;

/** Cells with a result that can be compared with a base. */
export const comparable = ({ summary, judgements }: JudgedRun): ReadonlySet<string> =>
  new Set(
    statesOf(summary, judgements)
      .filter(({ state }) => state !== 'not-measured')
      .map(({ cell }) => cell.id),
  );

/**
 * The base for comparing the `wanted` cells: each is taken from the newest run that measured it in full with nothing
 * wrong. A cell for which there is no such run is taken from the newest run. Runs come newest first, at least one; no
 * more are read than needed.
 */
export async function baseline(
  newestFirst: AsyncIterable<JudgedRun>,
  wanted: ReadonlySet<string>,
): Promise<Baseline> {
  let newest: Summary | undefined;
  const cells = new Map<string, CellSummary>();
  const settled = new Set<string>();
  const earlier: Earlier[] = [];
  for await (const { summary, judgements } of newestFirst) {
    const found = statesOf(summary, judgements).filter(isSettled);
    if (newest === undefined) {
      newest = summary;
      for (const cell of summary.cells) cells.set(cell.id, cell);
      for (const { cell } of found) settled.add(cell.id);
    } else {
      const taken = found.filter(({ cell: { id } }) => wanted.has(id) && !settled.has(id));
      for (const { cell } of taken) {
        cells.set(cell.id, cell);
        settled.add(cell.id);
      }
      if (taken.length > 0) earlier.push({ run: summary.run, cells: taken.map(({ cell }) => cell.id) });
    }
    if ([...wanted].every((id) => settled.has(id))) break;
  }
  if (newest === undefined) throw new Error('a baseline needs a run');
  return { summary: { ...newest, cells: [...cells.values()] }, earlier };
}
