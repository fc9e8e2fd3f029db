import { byVersion } from './versions.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { clusteredRate, type Cluster, type Interval } from './interval.ts';
import { isSequence, type CellSummary, type Summary } from './summary.ts';
import { purposes, useOf, type Use } from './uses.ts';

/** A run and the matrix it was of; undefined where that does not load. */
export interface CompatibilityRun {
  readonly summary: Summary;
  readonly matrix: Matrix | undefined;
}

/**
 * What can be said of a use on a kernel: no failure, and enough trials to say so; now and then a failure; never
 * what another way can do; too few trials.
 */
export type Reliability = 'works' | 'unreliable' | 'fails' | 'unknown';

/** One kind of processes frozen in one way: the cells of all runs together. */
export interface Evidence extends Interval {
  readonly runtime: string;
  readonly workload: string;
  readonly frozen: number;
  readonly trials: number;
}

/** A way to freeze, on one kernel and cgroup version. */
export interface UseVerdict extends Use {
  readonly cgroup: string;
  readonly verdict: Reliability;
  /** Over everything that can be frozen at all. */
  readonly all: Omit<Evidence, 'runtime' | 'workload'> | null;
  /** Where it did worst; null without a failure. */
  readonly worst: Evidence | null;
  /** Of a program: where it did least of what it was to do besides the freeze; null when it always did all. */
  readonly unfinished: Evidence | null;
  /** Ways for the same purpose that work there, real programs first; then other set-ups. Empty when it works itself. */
  readonly instead: readonly string[];
  /** The first kernel of the report on which it did not work any more, after one on which it did. */
  readonly since: { readonly bad: string; readonly good: string } | null;
}

/** What a kernel's freezer can be relied on for. */
export interface KernelCompatibility {
  /** As the guests report it. */
  readonly release: string;
  /** What matrices call it. */
  readonly distros: readonly string[];
  readonly uses: readonly UseVerdict[];
  /** Workloads that nothing froze, by cgroup version. */
  readonly held: readonly { readonly cgroup: string; readonly workloads: readonly string[] }[];
}

/** A lower rate than this is not called reliable; nor are so few trials that a lower rate could hide behind them. */
const reliable = { rate: 0.99, low: 0.9 };

interface Group extends Use {
  readonly release: string;
  readonly cgroup: string;
  readonly evidence: readonly Evidence[];
  readonly clusters: ReadonlyMap<Evidence, readonly Cluster[]>;
  /** What a program did of what it was to do. */
  readonly done: readonly Evidence[];
}

/** Every kernel of some runs, the oldest first, and a verdict for each use of its freezer. */
export function compatibility(runs: readonly CompatibilityRun[]): KernelCompatibility[] {
  const cells = runs.flatMap(({ summary, matrix }) =>
    summary.cells
      .filter((cell) => cell.rate !== null && cell.releases.length === 1 && !isSequence(cell))
      .map((cell) => ({ cell, release: cell.releases[0]!, use: useOf(cell, matrix) })),
  );
  const releases = [...new Set(cells.map(({ release }) => release))].sort(byVersion);
  const held = new Map(
    releases.map((release) => [
      release,
      heldOn(cells.filter((one) => one.release === release).map(({ cell }) => cell)),
    ]),
  );
  const groups = groupCells(cells, (release, cell) =>
    held.get(release)!.has(`${cell.cgroup} ${cell.workload}`),
  );
  const verdicts = groups.map((group) => ({ group, verdict: judgeGroup(group) }));
  return releases.map((release) => ({
    release,
    distros: [
      ...new Set(cells.filter((one) => one.release === release).map(({ cell }) => cell.distro)),
    ].sort(),
    uses: verdicts
      .filter(({ group }) => group.release === release)
      .map(({ group, verdict }) => describe(group, verdict, { verdicts, releases }))
      .sort(
        (a, b) =>
          purposes.indexOf(a.purpose) - purposes.indexOf(b.purpose) ||
          a.cgroup.localeCompare(b.cgroup) ||
          Number(b.isTool) - Number(a.isTool) ||
          a.name.localeCompare(b.name),
      ),
    held: ['v1', 'v2', 'hybrid'].flatMap((cgroup) => {
      const workloads = [...held.get(release)!].flatMap((key) =>
        key.startsWith(`${cgroup} `) ? [key.slice(cgroup.length + 1)] : [],
      );
      return workloads.length === 0 ? [] : [{ cgroup, workloads: workloads.sort() }];
    }),
  }));
}

/** `CGROUP WORKLOAD` of what no way froze even once. */
function heldOn(cells: readonly CellSummary[]): Set<string> {
  const key = ({ cgroup, workload }: CellSummary): string => `${cgroup} ${workload}`;
  const freed = new Set(cells.filter(({ frozen }) => frozen > 0).map(key));
  return new Set(cells.map(key).filter((one) => !freed.has(one)));
}

interface Gathered {
  readonly use: Use;
  readonly release: string;
  readonly cgroup: string;
  readonly parts: Parts;
  readonly done: Parts;
}

function groupCells(
  cells: readonly { readonly cell: CellSummary; readonly release: string; readonly use: Use }[],
  isHeld: (release: string, cell: CellSummary) => boolean,
): Group[] {
  const groups = new Map<string, Gathered>();
  for (const { cell, release, use } of cells) {
    if (isHeld(release, cell)) continue;
    const key = JSON.stringify([release, cell.cgroup, use.purpose, use.name]);
    const fresh: Gathered = { use, release, cgroup: cell.cgroup, parts: new Map(), done: new Map() };
    const group = groups.get(key) ?? fresh;
    groups.set(key, group);
    const part = `${cell.runtime}/${cell.workload}`;
    add(group.parts, part, cell.clusters);
    add(group.done, part, cell.tool?.clusters ?? []);
  }
  return [...groups.values()].map(({ use, release, cgroup, parts, done }) => {
    const clusters = evidenceOf(parts);
    return {
      ...use,
      release,
      cgroup,
      evidence: [...clusters.keys()],
      clusters,
      done: [...evidenceOf(done).keys()],
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
const frozenOf = (evidence: readonly Evidence[], { runtime, workload }: Evidence): number =>
  evidence.find((one) => one.runtime === runtime && one.workload === workload)?.frozen ?? 0;

/** The one with the lowest rate of those with a failure. */
const worstOf = (evidence: readonly Evidence[]): Evidence | null =>
  evidence.filter(({ frozen, trials }) => frozen < trials).toSorted((a, b) => a.rate - b.rate)[0] ?? null;

function sum(clusters: readonly Cluster[]): Omit<Evidence, 'runtime' | 'workload'> | null {
  const found = clusteredRate(clusters);
  if (found === undefined) return null;
  const { rate, low, high } = found;
  const frozen = clusters.reduce((all, one) => all + one.frozen, 0);
  return { rate, low, high, frozen, trials: clusters.reduce((all, one) => all + one.trials, 0) };
}

function judgeGroup({ evidence, clusters }: Group): Reliability {
  if (evidence.some(({ frozen }) => frozen === 0)) return 'fails';
  if (evidence.some(({ high }) => high < reliable.rate)) return 'unreliable';
  const all = sum([...clusters.values()].flat());
  if (all === null || all.low < reliable.low) return 'unknown';
  return 'works';
}

interface Known {
  readonly verdicts: readonly { readonly group: Group; readonly verdict: Reliability }[];
  readonly releases: readonly string[];
}

function describe(group: Group, verdict: Reliability, { verdicts, releases }: Known): UseVerdict {
  const { purpose, name, isTool, cgroup, release, evidence, clusters, done } = group;
  const isBad = verdict === 'unreliable' || verdict === 'fails';
  const others = verdicts.filter(
    (one) => one.verdict === 'works' && one.group.release === release && one.group.purpose === purpose,
  );
  const here = others
    .filter((one) => one.group.cgroup === cgroup)
    .sort((a, b) => Number(b.group.isTool) - Number(a.group.isTool));
  const elsewhere = others.filter((one) => one.group.cgroup !== cgroup && one.group.name === name);
  // the same use by kernel, up to this one: the last that worked, and the first after it that did not
  const line = releases.slice(0, releases.indexOf(release) + 1).flatMap((one) => {
    const found = verdicts.find(
      (other) => other.group.release === one && other.group.cgroup === cgroup && other.group.name === name,
    );
    return found === undefined || found.verdict === 'unknown'
      ? []
      : [{ release: one, works: found.verdict === 'works' }];
  });
  const last = line.findLastIndex(({ works }) => works);
  const [good, bad] = [line[last], line[last + 1]];
  return {
    ...{ purpose, name, isTool, cgroup, verdict },
    all: sum([...clusters.values()].flat()),
    worst: worstOf(evidence),
    unfinished: worstOf(done.filter((one) => one.frozen < frozenOf(evidence, one))),
    instead: isBad
      ? [...here.map((one) => one.group.name), ...elsewhere.map((one) => `cgroup ${one.group.cgroup}`)]
      : [],
    since: isBad && good !== undefined && bad !== undefined ? { bad: bad.release, good: good.release } : null,
  };
}
