import type { Earlier } from './baseline.ts';
import { testBoots } from './boots.ts';
import { otherConditions } from './conditions.ts';
import { canDiffer, newcombe } from './contrast.ts';
import { holm } from './exact.ts';
import { changedFacts, type FactChange } from './facts.ts';
import type { Cluster, Interval } from './interval.ts';
import { lostTrials } from './state.ts';
import type { CellSummary, RunName, Summary } from './summary.ts';

/**
 * `better`, `worse`: the rates differ by more than chance, and not surely by less than the margin. `same`: the whole
 * interval of the difference is within the margin. `undecided`: too few boots or trials to tell. A kernel that crashes or
 * hangs in a cell where it never did before is `worse` whatever the rates are.
 */
export type Change = 'worse' | 'better' | 'same' | 'undecided';

/** A cell that both runs measured. */
export interface CellChange {
  readonly base: CellSummary;
  readonly head: CellSummary;
  /** `frozen`: the rate of FROZEN (of a sequence: of passes); `done`: of tools that did all they were to do. */
  readonly of: 'frozen' | 'done';
  readonly rates: { readonly base: Interval; readonly head: Interval };
  /** The rate of head less that of base, with its 95 % interval. */
  readonly by: Interval;
  /** Two-sided; null with a single boot on either side. */
  readonly p: number | null;
  /** `p` corrected for all the rates that were compared (Holm). */
  readonly adjusted: number | null;
  readonly change: Change;
}

/** A cell of both runs that only one of them measured. */
export interface LostCell {
  readonly base: CellSummary;
  readonly head: CellSummary;
  /** A kernel that crashes or hangs where it did not before is worse; what else keeps a cell unmeasured is `undecided`. */
  readonly change: Exclude<Change, 'same'>;
}

/** A cell whose rates cannot be held against each other. */
export interface ApartCell {
  readonly base: CellSummary;
  readonly head: CellSummary;
  /** What is not the same: `cpus 2, then 4`. */
  readonly how: readonly string[];
}

/** Two runs held against each other. */
export interface Comparison {
  readonly base: RunName;
  readonly head: RunName;
  /** Runs before base that some cells are held against, since base has no whole value of them. */
  readonly earlier: readonly Earlier[];
  /** Differences surely smaller than this are none; between 0 and 1. */
  readonly margin: number;
  readonly changes: readonly CellChange[];
  readonly lost: readonly LostCell[];
  /** Cells that both measured under other conditions: their rates are of two experiments. */
  readonly apart: readonly ApartCell[];
  /** Cells of head that base does not have, and the other way round. */
  readonly added: readonly CellSummary[];
  readonly gone: readonly CellSummary[];
  readonly facts: readonly FactChange[];
}

/** The error with which `better` and `worse` are said, over all cells together. */
export const significance = 0.05;

/** How cells are compared. */
export interface Comparing {
  readonly earlier?: readonly Earlier[];
  /** Whether cells under other conditions are compared all the same. */
  readonly mixed?: boolean;
}

/** Compares the cells that two runs have in common, in the order of head's. */
export function compare(
  base: Summary,
  head: Summary,
  margin: number,
  { earlier = [], mixed = false }: Comparing = {},
): Comparison {
  const before = new Map(base.cells.map((cell) => [cell.id, cell]));
  const after = new Set(head.cells.map(({ id }) => id));
  const both = head.cells.flatMap((cell) => {
    const other = before.get(cell.id);
    return other === undefined ? [] : [{ base: other, head: cell }];
  });
  const apart = mixed ? [] : both.flatMap(apartCell);
  const isApart = new Set(apart.map(({ head: { id } }) => id));
  const alike = both.filter(({ head: { id } }) => !isApart.has(id));
  return {
    ...{ base: base.run, head: head.run, earlier, margin },
    changes: decide(alike.flatMap(measured), margin),
    apart,
    lost: both.flatMap(lostCell),
    added: head.cells.filter(({ id }) => !before.has(id)),
    gone: base.cells.filter(({ id }) => !after.has(id)),
    facts: changedFacts(base, head),
  };
}

/** Whether anything got worse. */
export const worseCount = ({ changes, lost }: Comparison): number => countOf({ changes, lost }, 'worse');

/** How many cells changed so; a tool's own rate beside its cell's counts as one more. */
export const countOf = ({ changes, lost }: Pick<Comparison, 'changes' | 'lost'>, wanted: Change): number =>
  [...changes, ...lost].filter(({ change }) => change === wanted).length;

interface Pair {
  readonly base: CellSummary;
  readonly head: CellSummary;
}

function apartCell({ base, head }: Pair): ApartCell[] {
  const how = otherConditions(base.conditions, head.conditions);
  return how.length === 0 ? [] : [{ base, head, how }];
}

type Measured = Pick<CellChange, 'base' | 'head' | 'of' | 'rates' | 'by' | 'p'>;

function measured({ base, head }: Pair): Measured[] {
  return (['frozen', 'done'] as const).flatMap((of) => {
    const [a, b] = [sideOf(base, of), sideOf(head, of)];
    if (a === null || b === null) return [];
    // a tool that did all it was to do where it froze, and nothing else, has nothing to add
    if (of === 'done' && sameBoots(a.boots, base.clusters) && sameBoots(b.boots, head.clusters)) return [];
    const rates = { base: a.rate, head: b.rate };
    return [{ base, head, of, rates, by: newcombe(a.rate, b.rate), p: testBoots(a.boots, b.boots) }];
  });
}

const sameBoots = (a: readonly Cluster[], b: readonly Cluster[]): boolean =>
  a.length === b.length &&
  a.every(({ frozen, trials }, i) => frozen === b[i]?.frozen && trials === b[i]?.trials);

interface Side {
  readonly rate: Interval;
  readonly boots: readonly Cluster[];
}

function sideOf(cell: CellSummary, of: CellChange['of']): Side | null {
  const { rate, low, high, clusters } = of === 'frozen' ? cell : (cell.tool ?? nothing);
  return rate === null || low === null || high === null
    ? null
    : { rate: { rate, low, high }, boots: clusters };
}

const nothing = { rate: null, low: null, high: null, clusters: [] };

function decide(pairs: readonly Measured[], margin: number): CellChange[] {
  const family = pairs.filter(({ rates, p }) => p !== null && canDiffer(rates.base, rates.head));
  const adjusted = new Map(holm(family.map(({ p }) => p)).map((p, i) => [family[i], p]));
  return pairs.map((pair) => {
    const p = pair.p === null ? null : (adjusted.get(pair) ?? 1);
    const isNew = pair.of === 'frozen' && crashesAnew(pair);
    return { ...pair, adjusted: p, change: isNew ? 'worse' : changeOf(pair.by, p, margin) };
  });
}

function changeOf({ rate, low, high }: Interval, adjusted: number | null, margin: number): Change {
  if (low >= -margin && high <= margin) return 'same';
  if (adjusted === null || adjusted > significance) return 'undecided';
  return rate < 0 ? 'worse' : 'better';
}

function lostCell({ base, head }: Pair): LostCell[] {
  if ((base.notMeasured === null) === (head.notMeasured === null)) return [];
  if (head.notMeasured !== null) return [{ base, head, change: isFault(head) ? 'worse' : 'undecided' }];
  return [{ base, head, change: isFault(base) ? 'better' : 'undecided' }];
}

const isFault = (cell: CellSummary): boolean => lostTrials(cell) > 0;

const crashesAnew = ({ base, head }: Pair): boolean => isFault(head) && !isFault(base);
