import type { Matrix } from '../matrix/matrix.ts';
import {
  frozenOf,
  groupCells,
  heldOf,
  judgeGroup,
  sum,
  worstOf,
  type Crashes,
  type Evidence,
  type Group,
  type Reliability,
} from './groups.ts';
import type { Cluster } from './interval.ts';
import { trialsToTell } from './power.ts';
import { isSequence, type Summary } from './summary.ts';
import { lostTrials } from './state.ts';
import { purposes, useOf, type Use } from './uses.ts';
import { byVersion } from './versions.ts';

/** A run and its matrix; undefined when the matrix does not load. */
export interface CompatibilityRun {
  readonly summary: Summary;
  readonly matrix: Matrix | undefined;
}

/** The verdict on one use of the freezer, on one kernel and cgroup version. */
export interface UseVerdict extends Use {
  readonly cgroup: string;
  readonly verdict: Reliability;
  /** Totals over all workloads that can be frozen at all. */
  readonly all: Omit<Evidence, 'runtime' | 'workload'> | null;
  /** The kind of processes with the lowest rate; null without a failure. */
  readonly worst: Evidence | null;
  /** For a program: where it completed its work least often although it froze; null when it always did. */
  readonly unfinished: Evidence | null;
  /** Where the kernel was lost most often; null where it never was. */
  readonly crashes: Crashes | null;
  /** For a use that does not work, where no other does: one that looks better on the processes it does worst with. */
  readonly better: Better | null;
  /** With too few trials: how many would prove that it works if all go like those so far; null when they would not. */
  readonly needed: number | null;
  /**
   * Uses for the same purpose that work on this kernel, real programs first; then other cgroup versions on which this
   * use works. Empty when it works itself.
   */
  readonly instead: readonly string[];
  /** The first kernel of the report on which it stopped working, and the last one before on which it worked. */
  readonly since: { readonly bad: string; readonly good: string } | null;
}

/** What the freezer of a kernel can be relied on for. */
export interface KernelCompatibility {
  /** As the guests report it. */
  readonly release: string;
  /** Its names in matrices. */
  readonly distros: readonly string[];
  readonly uses: readonly UseVerdict[];
  /** By cgroup version: the measured workloads that nothing can freeze on this kernel. */
  readonly held: readonly { readonly cgroup: string; readonly workloads: readonly string[] }[];
}

/** Another use with a higher rate. */
export interface Better {
  readonly name: string;
  readonly frozen: number;
  readonly trials: number;
  /** Trials of each that would prove the difference: 0 when these do already, Infinity when these show nothing. */
  readonly toTell: number;
}

/** Every kernel of the given runs, oldest first, with a verdict on each use of its freezer. */
export function compatibility(runs: readonly CompatibilityRun[]): KernelCompatibility[] {
  const cells = runs.flatMap(({ summary, matrix }) =>
    summary.cells
      .filter((cell) => cell.trials + lostTrials(cell) > 0 && cell.releases.length === 1 && !isSequence(cell))
      .map((cell) => ({ cell, release: cell.releases[0]!, use: useOf(cell, matrix) })),
  );
  const releases = [...new Set(cells.map(({ release }) => release))].sort(byVersion);
  const held = heldOf(cells);
  const groups = groupCells(cells, held);
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

interface Known {
  readonly verdicts: readonly { readonly group: Group; readonly verdict: Reliability }[];
  readonly releases: readonly string[];
}

function describe(group: Group, verdict: Reliability, { verdicts, releases }: Known): UseVerdict {
  const { purpose, name, isTool, cgroup, release, evidence, clusters, done, crashes } = group;
  const isBad = verdict !== 'works' && verdict !== 'unknown';
  const others = verdicts.filter(
    (one) => one.verdict === 'works' && one.group.release === release && one.group.purpose === purpose,
  );
  const here = others
    .filter((one) => one.group.cgroup === cgroup)
    .sort((a, b) => Number(b.group.isTool) - Number(a.group.isTool));
  const elsewhere = others.filter((one) => one.group.cgroup !== cgroup && one.group.name === name);
  // the same use on all kernels up to this one: the last on which it worked, and the first after it
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
  const instead = isBad
    ? [...here.map((one) => one.group.name), ...elsewhere.map((one) => `cgroup ${one.group.cgroup}`)]
    : [];
  return {
    ...{ purpose, name, isTool, cgroup, verdict, instead },
    all: sum([...clusters.values()].flat()),
    worst: worstOf(evidence),
    unfinished: worstOf(done.filter((one) => one.frozen < frozenOf(evidence, one))),
    crashes: crashes.toSorted((a, b) => b.lost / b.trials - a.lost / a.trials)[0] ?? null,
    better:
      isBad && instead.length === 0
        ? betterThan(
            group,
            verdicts.map((one) => one.group),
          )
        : null,
    needed: verdict === 'unknown' ? neededFor(group) : null,
    since: isBad && good !== undefined && bad !== undefined ? { bad: bad.release, good: good.release } : null,
  };
}

/**
 * The use on the same kernel that most often froze the processes this use does worst with, and more often than this use
 * does. It must have the same purpose, or be a loop, which any program can adopt.
 */
function betterThan(group: Group, all: readonly Group[]): Better | null {
  const { release, cgroup, purpose } = group;
  const worst = worstOf(group.evidence);
  if (worst === null) return null;
  const others = all.filter(
    (one) =>
      one !== group &&
      one.release === release &&
      one.cgroup === cgroup &&
      one.crashes.length === 0 &&
      (one.purpose === purpose || !one.isTool),
  );
  const found = others
    .flatMap((one) => {
      const evidence = one.evidence.find((other) => isOf(other, worst));
      return evidence === undefined || evidence.rate <= worst.rate ? [] : [{ group: one, evidence }];
    })
    .sort(
      (a, b) =>
        b.evidence.rate - a.evidence.rate ||
        Number(b.group.purpose === purpose) - Number(a.group.purpose === purpose) ||
        b.evidence.trials - a.evidence.trials,
    )[0];
  if (found === undefined) return null;
  const { name, clusters } = found.group;
  const { frozen, trials } = found.evidence;
  return {
    ...{ name, frozen, trials },
    toTell: trialsToTell(group.clusters.get(worst)!, clusters.get(found.evidence)!),
  };
}

const isOf = (a: Evidence, b: Evidence): boolean => a.runtime === b.runtime && a.workload === b.workload;

/** Upper bound on how many times the present trials are extrapolated. */
const mostTimes = 50;

/** The number of trials that would prove that a use works if further boots go like the existing ones. */
function neededFor(group: Group): number | null {
  for (let times = 2; times <= mostTimes; times++) {
    const more = repeated(group, times);
    const verdict = judgeGroup(more);
    if (verdict === 'works') return sum([...more.clusters.values()].flat())!.trials;
    if (verdict !== 'unknown') return null;
  }
  return null;
}

function repeated(group: Group, times: number): Group {
  const clusters = new Map<Evidence, readonly Cluster[]>();
  for (const [{ runtime, workload }, own] of group.clusters) {
    const many = Array.from({ length: times }, () => own).flat();
    clusters.set({ runtime, workload, ...sum(many)! }, many);
  }
  return { ...group, clusters, evidence: [...clusters.keys()] };
}
