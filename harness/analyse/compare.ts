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
 * `better`, `worse`: the rates differ significantly, and not certainly by less than the margin. `same`: the whole
 * interval of the difference is within the margin. `undecided`: too few boots or trials to tell. A cell whose kernel
 * crashes or hangs where it did not before is `worse` whatever the rates are.
 */
export type Change = 'worse' | 'better' | 'same' | 'undecided';

/** A cell that both runs measured. */
export interface CellChange {
  readonly base: CellSummary;
  readonly head: CellSummary;
  /**
   * `frozen`: the rate of FROZEN (for a sequence: of passes); `done`: the rate at which tools completed all their work.
   */
  readonly of: 'frozen' | 'done';
  readonly rates: { readonly base: Interval; readonly head: Interval };
  /** The rate of head minus that of base, with its 95 % interval. */
  readonly by: Interval;
  /** Two-sided; null with a single boot on either side. */
  readonly p: number | null;
  /** `p` corrected for all compared rates (Holm). */
  readonly adjusted: number | null;
  readonly change: Change;
}

/** A cell of both runs that only one of them measured. */
export interface LostCell {
  readonly base: CellSummary;
  readonly head: CellSummary;
  /**
   * `worse` when the kernel crashes or hangs where it did not before; any other reason for a missing rate is
   * `undecided`.
   */
  readonly change: Exclude<Change, 'same'>;
}

/** A cell whose rates cannot be compared. */
export interface ApartCell {
  readonly base: CellSummary;
  readonly head: CellSummary;
  /** The conditions that differ: `cpus 2, then 4`. */
  readonly how: readonly string[];
}

/** The comparison of two runs. */
export interface Comparison {
  readonly base: RunName;
  readonly head: RunName;
  /** Runs before base that provide the base of some cells, because base did not measure them in full. */
  readonly earlier: readonly Earlier[];
  /** Differences that are certainly smaller than this count as none; between 0 and 1. */
  readonly margin: number;
  readonly changes: readonly CellChange[];
  readonly lost: readonly LostCell[];
  /** Cells measured under different conditions: their rates belong to different experiments. */
  readonly apart: readonly ApartCell[];
  /** Cells that only head has; `gone`: cells that only base has. */
  readonly added: readonly CellSummary[];
  readonly gone: readonly CellSummary[];
  readonly facts: readonly FactChange[];
}

/** The probability of any false `better` or `worse`, over all cells together. */
export const significance = 0.05;

/** Options of a comparison. */
export interface Comparing {
  readonly earlier?: readonly Earlier[];
  /** Whether cells measured under different conditions are compared nevertheless. */
  readonly mixed?: boolean;
}

/** Compares the cells that two runs have in common, in the order of head. */
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

/** The number of rates and cells that got worse. */
export const worseCount = ({ changes, lost }: Comparison): number => countOf({ changes, lost }, 'worse');

/** The number of cells with this change; a tool's own rate counts separately from its cell's. */
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
    // a tool that completed its work exactly where it froze adds no information
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
