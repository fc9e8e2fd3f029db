import { cellsWords, patternOf, sharedWords, withoutName } from '../trial/reason.ts';
import type { CellSummary, NotMeasured } from './summary.ts';

/** Cells that were not measured for one reason, in words: `16 cells of centos-7 on v1`, `into ...: Illegal seek`. */
export interface Unmeasured {
  readonly cells: string;
  readonly kind: NotMeasured['kind'];
  readonly reason: string;
}

type Missing = CellSummary & { readonly notMeasured: NotMeasured };

/** So many cells are told by their ids. */
const named = 3;

/** Cells given up untried belong to those whose lab errors they are given up for. */
const family = ({ kind }: NotMeasured): string => (kind === 'given-up' ? 'lab-error' : kind);

/** The cells that were not measured, one entry for each reason, in the order in which reasons first come. */
export function unmeasured(cells: readonly CellSummary[]): Unmeasured[] {
  const groups = new Map<string, Missing[]>();
  for (const cell of cells) {
    const { notMeasured } = cell;
    if (notMeasured === null) continue;
    const key = `${family(notMeasured)} ${patternOf(withoutName(notMeasured.reason, cell))}`;
    groups.set(key, [...(groups.get(key) ?? []), { ...cell, notMeasured }]);
  }
  return [...groups.values()].map((group) => {
    const tried = group.find(({ notMeasured }) => notMeasured.kind !== 'given-up') ?? group[0]!;
    const reasons = group.map((cell) =>
      group.length === 1 ? cell.notMeasured.reason : withoutName(cell.notMeasured.reason, cell),
    );
    const ids = group.map(({ id }) => id).join(', ');
    return {
      cells: group.length <= named ? ids : cellsWords(group),
      kind: tried.notMeasured.kind,
      reason: sharedWords(reasons),
    };
  });
}
