import type { Conditions } from './conditions.ts';
import type { QuantileName } from '../matrix/expectation.ts';
import type { Sampling } from '../matrix/matrix.ts';
import { stepsStrategy } from '../matrix/sequence.ts';
import type { Advice } from './advice.ts';
import type { Difference } from './contrast.ts';
import type { Cluster, Interval } from './interval.ts';
import type { Step, TimeQuantile } from './times.ts';
import type { ToolSummary } from './tools.ts';
import type { Outcome, ThawOutcome } from '../trial/outcome.ts';

/** A cell as a report names it. A record may come from a newer frostline: any name may stand on an axis. */
export interface CellName {
  readonly id: string;
  readonly distro: string;
  readonly cgroup: string;
  readonly runtime: string;
  readonly workload: string;
  readonly strategy: string;
}

/** Tasks in one place of the kernel that stood in the way, over the failed trials of a cell. */
export interface BlockerGroup {
  /** The kernel function they slept in; `running` for a task on a CPU, `unknown` when it was hidden. */
  readonly where: string;
  /** One letter of /proc/PID/stat. */
  readonly state: string;
  /** Failed trials with at least one such task. */
  readonly trials: number;
  /** A command name of one of them. */
  readonly comm: string;
}

/** A step of a sequence that failed in some trials of a cell. */
export interface StepFailure {
  /** From 0. */
  readonly step: number;
  /** Its verb and name, e.g. `expect a`. */
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly trials: number;
}

/** How many trials came from machines that were emulated in one way. */
export interface Environment {
  readonly text: string;
  readonly trials: number;
}

/** A reason and how many trials ended with it. */
export interface Incident {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly trials: number;
}

/** What kernels said in trials that had this outcome, and in how many. */
export interface KernelNote {
  readonly kind: string;
  readonly outcome: Outcome;
  /** The first line, of one of them. */
  readonly line: string;
  readonly trials: number;
}

/** So many of so many trials, with the 95 % interval of their share. */
export interface Share extends Interval {
  readonly count: number;
  readonly trials: number;
}

/** By name; a trial that did not freeze is later than any: Infinity. */
export type TimeQuantiles = Readonly<Record<QuantileName, TimeQuantile>>;

/** What the records say of one cell. Times are microseconds; rates are between 0 and 1. */
export interface CellSummary extends CellName {
  /** Kernel releases the guests reported, in byte order: more than one when a package moved between boots. */
  readonly releases: readonly string[];
  /** What made the containers, with versions, in byte order; none without a runtime. */
  readonly runtimeVersions: readonly string[];
  /** Counted trials: those in the rate. */
  readonly trials: number;
  /** Those that froze; of a sequence those that passed. */
  readonly frozen: number;
  readonly rate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Intra-class correlation of trials in one boot, as estimated; null where it cannot be told. */
  readonly icc: number | null;
  /** Design effect that the interval reckons with: how many trials count as one. */
  readonly deff: number | null;
  /** What more machines would do for the interval; null where more trials do as well. */
  readonly advice: Advice | null;
  readonly boots: number;
  /** Frozen and counted trials of each boot. */
  readonly clusters: readonly Cluster[];
  /** Of the time to FROZEN of the frozen trials. */
  readonly p50Us: number | null;
  readonly p95Us: number | null;
  /** Quantiles of the time to FROZEN of all counted trials, in microseconds; null when no trial was to freeze. */
  readonly times: TimeQuantiles | null;
  /** The share that had frozen by when, in microseconds, of all counted trials; 64 steps at most. */
  readonly curve: readonly Step[];
  /** Thaws with casualties, and thaws that brought all back, of all thaws; null without a thaw. */
  readonly casualties: Share | null;
  readonly thawed: Share | null;
  /** Trials with a kernel crash or hang, of those and the counted ones; null when there are none of either. */
  readonly crashes: Share | null;
  /** Trials by outcome; `lab-error` holds those that never ended otherwise. */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly thaw: Readonly<Partial<Record<ThawOutcome, number>>>;
  /** Not-frozen trials, of which `blockers` counts some each. */
  readonly notFrozen: number;
  /** The most frequent first. */
  readonly blockers: readonly BlockerGroup[];
  /** What the strategy's program did besides; null when it is a loop of frostbite's own. */
  readonly tool: ToolSummary | null;
  /** Of a sequence, in the order of its steps. */
  readonly failures: readonly StepFailure[];
  readonly environments: readonly Environment[];
  /** Of the time that its machines wanted of the host, the share that they waited for it; null: not known. */
  readonly waited: number | null;
  /** Of its counted trials, each once. */
  readonly conditions: readonly Conditions[];
  /** Reasons of crashes, hangs, false-frozen, unsupported and lab errors, the most frequent first. */
  readonly incidents: readonly Incident[];
  /** Oopses, lockups, stalls, hung tasks, warnings and OOM kills, of trials that ended well, too; the most frequent first. */
  readonly kernelNotes: readonly KernelNote[];
  /** Why there is no rate; null when there is one. */
  readonly notMeasured: NotMeasured | null;
  /** Why some of its trials were not made; null when none was given up. */
  readonly problem: string | null;
  /** How long its trials took in all, in microseconds; some may have run at once. */
  readonly wallUs: number;
  /** ISO instant at which the first of them began; null without one. */
  readonly began: string | null;
}

/** Whether a cell is of a sequence, not of a workload. */
export const isSequence = ({ strategy }: CellName): boolean => strategy === stepsStrategy;

/** Why a cell has no counted trial. */
export interface NotMeasured {
  readonly kind: 'unsupported' | 'crash' | 'hang' | 'lab-error' | 'given-up' | 'not-run';
  readonly reason: string;
}

/** What a summary says of the run itself. */
export interface RunName {
  readonly id: string;
  readonly name: string;
  readonly started: string | null;
  readonly status: 'finished' | 'interrupted' | 'running' | 'killed' | 'unknown';
  /** Trials that were to be made for each cell; null when the run's description is lost. */
  readonly trials: number | null;
  /** Of a run that measured each cell until its rate was known: rates have the bounds of a confidence sequence. */
  readonly sampling?: Sampling | null;
  readonly lab: string | null;
  /** What of its description cannot be read, so that nobody can say whether its cells are as expected. */
  readonly lost?: string;
}

/** What a run's records come to. */
export interface Summary {
  readonly run: RunName;
  /** The planned cells in their order, then cells that only records name, in byte order. */
  readonly cells: readonly CellSummary[];
  /** Pairs of cells that the matrix holds against each other. */
  readonly differences: readonly Difference[];
  /** Records read; more than there are trials when some were tried again. */
  readonly records: number;
}

/** Splits a cell's id; what an id of another shape lacks stays empty. */
export function cellName(id: string): CellName {
  const [distro = '', cgroup = '', runtime = '', workload = '', ...strategy] = id.split('/');
  return { id, distro, cgroup, runtime, workload, strategy: strategy.join('/') };
}
