import { cellsWords, patternOf, sharedWords, withoutName } from '../trial/reason.ts';
import type { CellSummary, NotMeasured } from './summary.ts';

/**
 * Cells that were not measured for the same reason, in words: `16 cells of centos-7 on v1`, `into ...: Illegal seek`.
 */
export interface Unmeasured {
  readonly cells: string;
  readonly kind: NotMeasured['kind'];
  readonly reason: string;
}

type Missing = CellSummary & { readonly notMeasured: NotMeasured };

/** Up to this many cells are listed by id. */
const named = 3;

/** Cells given up untried are grouped with those whose lab errors caused it. */
const family = ({ kind }: NotMeasured): string => (kind === 'given-up' ? 'lab-error' : kind);

/** The cells that were not measured, grouped by reason, in the order in which reasons first appear. */
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
