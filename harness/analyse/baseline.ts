import type { Judgement } from './expect.ts';
import { stateCodes, statesOf, type StatedCell } from './state.ts';
import type { CellSummary, RunName, Summary } from './summary.ts';

/** A run, and what was found of its expectations. */
export interface JudgedRun {
  readonly summary: Summary;
  readonly judgements: readonly Judgement[];
}

/** Cells whose base is an earlier run than that of the others. */
export interface Earlier {
  readonly run: RunName;
  readonly cells: readonly string[];
}

export interface Baseline {
  /** The first run, with the cells of earlier ones where those were taken. */
  readonly summary: Summary;
  readonly earlier: readonly Earlier[];
}

/** Measured to the end, with nothing wrong: a later value can be held against it. */
const isSettled = ({ state }: StatedCell): boolean => stateCodes[state] === 0;

/** Cells that say something which can be held against a base. */
export const comparable = ({ summary, judgements }: JudgedRun): ReadonlySet<string> =>
  new Set(
    statesOf(summary, judgements)
      .filter(({ state }) => state !== 'not-measured')
      .map(({ cell }) => cell.id),
  );

/**
 * What the `wanted` cells are to be held against: each as the newest of some runs has it that measured it to the end with
 * nothing wrong. Cells of which that is true in none are as the newest run has them. Runs come the newest first, at least
 * one, and no more are asked for than are needed.
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
