import { clusteredRate, type Cluster, type Interval } from './interval.ts';
import { lostTrials } from './state.ts';
import type { CellSummary } from './summary.ts';
import { isUnfreezable } from './unfreezable.ts';
import type { Use } from './uses.ts';

/**
 * The verdict on a use on one kernel. `works`: no failure, and enough trials to say so; `unreliable`: occasional
 * failures; `fails`: never freezes what can be frozen; `crashes`: the kernel crashed or hung; `unknown`: too few
 * trials.
 */
export type Reliability = 'works' | 'unreliable' | 'fails' | 'crashes' | 'unknown';

/** A kind of processes. */
export interface Place {
  readonly runtime: string;
  readonly workload: string;
}

/** One kind of processes frozen in one way: the cells of all runs combined. */
export interface Evidence extends Interval, Place {
  readonly frozen: number;
  readonly trials: number;
}

/** Trials with one kind of processes in which the kernel was lost. */
export interface Crashes extends Place {
  readonly lost: number;
  /** Lost and counted trials together. */
  readonly trials: number;
}

/** The cells of a use on one kernel and cgroup version. */
export interface Group extends Use {
  readonly release: string;
  readonly cgroup: string;
  readonly evidence: readonly Evidence[];
  readonly clusters: ReadonlyMap<Evidence, readonly Cluster[]>;
  /** How often a program completed all its work. */
  readonly done: readonly Evidence[];
  readonly crashes: readonly Crashes[];
}

/** A rate below `rate` is not reliable; nor are trials so few that their interval reaches below `low`. */
const reliable = { rate: 0.99, low: 0.9 };

/** A cell and the use that its freeze stands for. */
export interface UsedCell {
  readonly cell: CellSummary;
  readonly release: string;
  readonly use: Use;
}

/** The key of a cell in the sets of `heldOf`. */
export const kindOf = ({ cgroup, workload }: CellSummary): string => `${cgroup} ${workload}`;

/**
 * By kernel: `CGROUP WORKLOAD` of what cannot be frozen, i.e. what is known to be unfreezable, unless something froze
 * it after all. What one use could not freeze but another could is not included: that is a failure of the use.
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

/** Groups cells by use, kernel and cgroup version. Unfreezable workloads are no evidence, but their crashes are. */
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

/** How many trials with the same processes froze. */
export const frozenOf = (evidence: readonly Evidence[], { runtime, workload }: Evidence): number =>
  evidence.find((one) => one.runtime === runtime && one.workload === workload)?.frozen ?? 0;

/** Among entries with a failure, the one with the lowest rate; null without any. */
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
