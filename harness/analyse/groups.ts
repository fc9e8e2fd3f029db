import { clusteredRate, type Cluster, type Interval } from './interval.ts';
import { lostTrials } from './state.ts';
import type { CellSummary } from './summary.ts';
import { isUnfreezable } from './unfreezable.ts';
import type { Use } from './uses.ts';

/**
 * What can be said of a use on a kernel: no failure, and enough trials to say so; now and then a failure; never
 * what can be frozen; the kernel crashed or hung; too few trials.
 */
export type Reliability = 'works' | 'unreliable' | 'fails' | 'crashes' | 'unknown';

/** A kind of processes. */
export interface Place {
  readonly runtime: string;
  readonly workload: string;
}

/** One kind of processes frozen in one way: the cells of all runs together. */
export interface Evidence extends Interval, Place {
  readonly frozen: number;
  readonly trials: number;
}

/** Trials in which the kernel was lost, with one kind of processes. */
export interface Crashes extends Place {
  readonly lost: number;
  /** With those that are counted. */
  readonly trials: number;
}

/** The cells of a use on one kernel and cgroup version. */
export interface Group extends Use {
  readonly release: string;
  readonly cgroup: string;
  readonly evidence: readonly Evidence[];
  readonly clusters: ReadonlyMap<Evidence, readonly Cluster[]>;
  /** What a program did of what it was to do. */
  readonly done: readonly Evidence[];
  readonly crashes: readonly Crashes[];
}

/** A lower rate than this is not called reliable; nor are so few trials that a lower rate could hide behind them. */
const reliable = { rate: 0.99, low: 0.9 };

/** A cell, and what its freeze was for. */
export interface UsedCell {
  readonly cell: CellSummary;
  readonly release: string;
  readonly use: Use;
}

/** What `heldOf` has of a cell. */
export const kindOf = ({ cgroup, workload }: CellSummary): string => `${cgroup} ${workload}`;

/**
 * `CGROUP WORKLOAD` of what cannot be frozen, by kernel: what is known not to be, unless something froze it all the same. What
 * these ways did not freeze and another could is none of it: that is their failure.
 */
export function heldOf(cells: readonly UsedCell[]): ReadonlyMap<string, ReadonlySet<string>> {
  const held = new Map<string, Set<string>>();
  for (const { cell, release } of cells) {
    const { cgroup, workload } = cell;
    const own = held.get(release) ?? new Set();
    held.set(release, own);
    if (isUnfreezable(workload, { cgroup, release })) own.add(kindOf(cell));
  }
  for (const { cell, release } of cells) if (cell.frozen > 0) held.get(release)!.delete(kindOf(cell));
  return held;
}

interface Gathered {
  readonly use: Use;
  readonly release: string;
  readonly cgroup: string;
  readonly parts: Parts;
  readonly done: Parts;
  readonly crashes: Crashes[];
}

/** Cells by use, kernel and cgroup version; what is held is no evidence, but a crash in it is one. */
export function groupCells(
  cells: readonly UsedCell[],
  held: ReadonlyMap<string, ReadonlySet<string>>,
): Group[] {
  const groups = new Map<string, Gathered>();
  for (const { cell, release, use } of cells) {
    const { cgroup, runtime, workload } = cell;
    const lost = lostTrials(cell);
    const isHeld = held.get(release)?.has(kindOf(cell)) === true;
    if (isHeld && lost === 0) continue;
    const key = JSON.stringify([release, cgroup, use.purpose, use.name]);
    const fresh: Gathered = { use, release, cgroup, parts: new Map(), done: new Map(), crashes: [] };
    const group = groups.get(key) ?? fresh;
    groups.set(key, group);
    if (lost > 0) group.crashes.push({ runtime, workload, lost, trials: lost + cell.trials });
    if (isHeld) continue;
    const part = `${runtime}/${workload}`;
    add(group.parts, part, cell.clusters);
    add(group.done, part, cell.tool?.clusters ?? []);
  }
  return [...groups.values()].map(({ use, release, cgroup, parts, done, crashes }) => {
    const clusters = evidenceOf(parts);
    return {
      ...use,
      release,
      cgroup,
      evidence: [...clusters.keys()],
      clusters,
      done: [...evidenceOf(done).keys()],
      crashes,
    };
  });
}

/** Clusters by runtime and workload. */
type Parts = Map<string, Cluster[]>;

function add(parts: Parts, part: string, clusters: readonly Cluster[]): void {
  parts.set(part, [...(parts.get(part) ?? []), ...clusters]);
}

function evidenceOf(parts: Parts): Map<Evidence, readonly Cluster[]> {
  const found = new Map<Evidence, readonly Cluster[]>();
  for (const [part, clusters] of parts) {
    const [runtime = '', workload = ''] = part.split('/');
    const summed = sum(clusters);
    if (summed !== null) found.set({ runtime, workload, ...summed }, clusters);
  }
  return found;
}

/** How many froze of the same processes. */
export const frozenOf = (evidence: readonly Evidence[], { runtime, workload }: Evidence): number =>
  evidence.find((one) => one.runtime === runtime && one.workload === workload)?.frozen ?? 0;

/** The one with the lowest rate of those with a failure. */
export const worstOf = (evidence: readonly Evidence[]): Evidence | null =>
  evidence.filter(({ frozen, trials }) => frozen < trials).toSorted((a, b) => a.rate - b.rate)[0] ?? null;

export function sum(clusters: readonly Cluster[]): Omit<Evidence, 'runtime' | 'workload'> | null {
  const found = clusteredRate(clusters);
  if (found === undefined) return null;
  const { rate, low, high } = found;
  const frozen = clusters.reduce((all, one) => all + one.frozen, 0);
  return { rate, low, high, frozen, trials: clusters.reduce((all, one) => all + one.trials, 0) };
}

export function judgeGroup({ evidence, clusters, crashes }: Group): Reliability {
  if (crashes.length > 0) return 'crashes';
  if (evidence.some(({ frozen }) => frozen === 0)) return 'fails';
  if (evidence.some(({ high }) => high < reliable.rate)) return 'unreliable';
  const all = sum([...clusters.values()].flat());
  if (all === null || all.low < reliable.low) return 'unknown';
  return 'works';
}
