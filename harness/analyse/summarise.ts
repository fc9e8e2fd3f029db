import { isBusy } from '../matrix/busy.ts';
import type { Contrast } from '../matrix/matrix.ts';
import { countedOutcomes, isSuccess, type Outcome } from '../trial/outcome.ts';
import { advise } from './advice.ts';
import { confidenceSequence } from './confidence.ts';
import { contrast } from './contrast.ts';
import { clusteredRate, quantile } from './interval.ts';
import { clustersOf, sharesOf, timesOf } from './measures.ts';
import {
  cellName,
  type BlockerGroup,
  type CellName,
  type CellSummary,
  type Incident,
  type KernelNote,
  type NotMeasured,
  type StepFailure,
  type RunName,
  type Summary,
} from './summary.ts';
import { summariseTools } from './tools.ts';
import { gatherTrials, type Failure, type Records, type Trial } from './trials.ts';

/** A run, its plan, and its results. */
export interface Evidence {
  readonly run: RunName;
  readonly cells: readonly CellName[];
  readonly records: Records;
  /** Cells to compare with each other. */
  readonly contrasts?: readonly Contrast[];
  /** Cells that were given up, with the reason. */
  readonly problems?: readonly { readonly cell: string; readonly reason: string }[];
}

/**
 * Sums up a run in one pass over its records. Memory grows with the number of trials, by about 200 bytes each, not with
 * the size of the records. Cells that appear only in records are added at the end.
 */
export async function summarise(evidence: Evidence): Promise<Summary> {
  const { run, cells, records, problems = [], contrasts = [] } = evidence;
  const gathered = await gatherTrials(records);
  const planned = new Set(cells.map(({ id }) => id));
  const strangers = [...gathered.trials.keys()].filter((id) => !planned.has(id)).sort();
  const reasons = new Map(problems.map(({ cell, reason }) => [cell, reason]));
  const summaries = [...cells, ...strangers.map(cellName)].map((cell) =>
    summariseCell(cell, [...(gathered.trials.get(cell.id)?.values() ?? [])], {
      rateOf: run.sampling ? confidenceSequence : clusteredRate,
      problem: reasons.get(cell.id) ?? null,
    }),
  );
  const differences = contrast(summaries, contrasts);
  return { run, records: gathered.records, cells: summaries, differences };
}

interface How {
  readonly rateOf: typeof clusteredRate;
  readonly problem: string | null;
}

function summariseCell(cell: CellName, all: readonly Trial[], { rateOf, problem }: How): CellSummary {
  const counted = all.filter(({ outcome }) => countedOutcomes.has(outcome));
  const clusters = clustersOf(counted, ({ outcome }) => isSuccess(outcome));
  const rate = rateOf(clusters);
  const times = Float64Array.from(
    counted.flatMap(({ outcome, frozenUs }) => (outcome === 'frozen' && frozenUs !== null ? [frozenUs] : [])),
  ).sort();
  const outcomes = tally(all.map(({ outcome }) => outcome));
  const incidents = incidentsOf(all);
  const { id, distro, cgroup, runtime, workload, strategy } = cell;
  return {
    ...{ id, distro, cgroup, runtime, workload, strategy },
    releases: distinct(all.map(({ release }) => release)),
    runtimeVersions: distinct(all.map(({ runtime }) => runtime)),
    trials: counted.length,
    frozen: (outcomes.frozen ?? 0) + (outcomes.passed ?? 0),
    rate: rate?.rate ?? null,
    low: rate?.low ?? null,
    high: rate?.high ?? null,
    icc: rate?.icc ?? null,
    deff: rate?.deff ?? null,
    advice: advise(clusters),
    boots: clusters.length,
    clusters,
    tool: summariseTools(counted),
    ...timesOf(counted),
    ...sharesOf(all),
    p50Us: quantile(times, 0.5),
    p95Us: quantile(times, 0.95),
    outcomes,
    thaw: tally(counted.flatMap(({ thaw }) => (thaw === null ? [] : [thaw]))),
    notFrozen: outcomes['not-frozen'] ?? 0,
    blockers: blockersOf(counted),
    failures: failuresOf(counted),
    environments: Object.entries(tally(counted.map(({ environment }) => environment))).map(
      ([text, trials = 0]) => ({ text, trials }),
    ),
    waited: isBusy(workload) ? waitedOf(counted) : null,
    conditions: [...new Set(counted.map((one) => one.conditions))],
    incidents,
    kernelNotes: kernelNotesOf(all),
    notMeasured: counted.length > 0 ? null : whyNot(incidents, problem),
    problem,
    wallUs: all.reduce((sum, trial) => sum + trial.wallUs, 0),
    began: beganOf(all),
  };
}

function waitedOf(counted: readonly Trial[]): number | null {
  let [ran, waited] = [0, 0];
  for (const { host } of counted) {
    ran += host?.ranUs ?? 0;
    waited += host?.waitedUs ?? 0;
  }
  return ran + waited === 0 ? null : waited / (ran + waited);
}

function beganOf(all: readonly Trial[]): string | null {
  const first = all.reduce((least, { beganMs }) => (beganMs < least ? beganMs : least), Infinity);
  return first === Infinity ? null : new Date(first).toISOString();
}

/** Why a cell has no counted trial: a fault of the kernel outranks one of ours. */
function whyNot(incidents: readonly Incident[], problem: string | null): NotMeasured {
  const order = [
    ['kernel-crash', 'crash'],
    ['kernel-hang', 'hang'],
    ['unsupported', 'unsupported'],
    ['lab-error', 'lab-error'],
  ] as const;
  for (const [outcome, kind] of order) {
    const found = incidents.find((one) => one.outcome === outcome);
    if (found !== undefined) return { kind, reason: found.reason };
  }
  return problem === null
    ? { kind: 'not-run', reason: 'no trial was run' }
    : { kind: 'given-up', reason: problem };
}

function blockersOf(counted: readonly Trial[]): BlockerGroup[] {
  const groups = new Map<string, { where: string; state: string; comm: string; trials: number }>();
  for (const { blockers } of counted) {
    for (const { where, state, comm } of blockers) {
      const key = `${where} ${state}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { where, state, comm, trials: 1 });
      else group.trials++;
    }
  }
  return [...groups.values()].sort((a, b) => b.trials - a.trials || byBytes(a.where, b.where));
}

function failuresOf(counted: readonly Trial[]): StepFailure[] {
  const counts = new Map<Failure, number>();
  for (const { failures } of counted)
    for (const failure of failures) counts.set(failure, (counts.get(failure) ?? 0) + 1);
  return [...counts]
    .map(([failure, trials]) => ({ ...failure, trials }))
    .sort((a, b) => a.step - b.step || b.trials - a.trials || byBytes(a.found, b.found));
}

const ordinary: ReadonlySet<Outcome> = new Set<Outcome>(['frozen', 'not-frozen', 'passed', 'failed']);

function incidentsOf(all: readonly Trial[]): Incident[] {
  const found = new Map<string, { outcome: Outcome; reason: string; trials: number }>();
  for (const { outcome, reason } of all) {
    if (ordinary.has(outcome)) continue;
    const text = reason ?? 'no reason was recorded';
    const key = `${outcome} ${text}`;
    const incident = found.get(key);
    if (incident === undefined) found.set(key, { outcome, reason: text, trials: 1 });
    else incident.trials++;
  }
  return [...found.values()].sort((a, b) => b.trials - a.trials || byBytes(a.reason, b.reason));
}

function kernelNotesOf(all: readonly Trial[]): KernelNote[] {
  const found = new Map<string, { note: Omit<KernelNote, 'trials'>; trials: number }>();
  for (const { outcome, facts } of all) {
    for (const { kind, line } of facts) {
      const key = `${outcome} ${kind} ${line}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { note: { kind, outcome, line }, trials: 1 });
      else known.trials++;
    }
  }
  return [...found.values()]
    .map(({ note, trials }) => ({ ...note, trials }))
    .sort((a, b) => b.trials - a.trials || byBytes(a.line, b.line));
}

/** The non-empty strings, each once, in byte order. */
const distinct = (words: readonly string[]): string[] =>
  [...new Set(words)].filter((word) => word !== '').sort();

/** Counts, with the names in byte order. */
function tally<Name extends string>(names: readonly Name[]): Partial<Record<Name, number>> {
  const counts = new Map<Name, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const entries = [...counts].sort(([a], [b]) => byBytes(a, b));
  return Object.fromEntries(entries) as Partial<Record<Name, number>>;
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
