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

/** A cell as a report names it. A record may come from a newer frostline, so any name may stand on an axis. */
export interface CellName {
  readonly id: string;
  readonly distro: string;
  readonly cgroup: string;
  readonly runtime: string;
  readonly workload: string;
  readonly strategy: string;
}

/** Blocking tasks at one place in the kernel, over the failed trials of a cell. */
export interface BlockerGroup {
  /** The kernel function they slept in; `running` for a task on a CPU, `unknown` when it was hidden. */
  readonly where: string;
  /** The state letter of /proc/PID/stat. */
  readonly state: string;
  /** Failed trials with at least one such task. */
  readonly trials: number;
  /** The command name of one of them. */
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

/** How many trials came from machines with one kind of emulation. */
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

/** What kernels logged in trials with this outcome, and in how many. */
export interface KernelNote {
  readonly kind: string;
  readonly outcome: Outcome;
  /** The first line, from one of the trials. */
  readonly line: string;
  readonly trials: number;
}

/** `count` out of a number of trials, with the 95 % interval of this share. */
export interface Share extends Interval {
  readonly count: number;
  readonly trials: number;
}

/** By name; Infinity when the quantile falls on trials that did not freeze. */
export type TimeQuantiles = Readonly<Record<QuantileName, TimeQuantile>>;

/** What the records say of one cell. Times are microseconds; rates are between 0 and 1. */
export interface CellSummary extends CellName {
  /** Kernel releases that the guests reported, in byte order; several when a package changed between boots. */
  readonly releases: readonly string[];
  /** Container runtimes with versions, in byte order; empty without a runtime. */
  readonly runtimeVersions: readonly string[];
  /** Counted trials: those that enter the rate. */
  readonly trials: number;
  /** Trials that froze; for a sequence, trials that passed. */
  readonly frozen: number;
  readonly rate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Estimated intra-class correlation of trials in one boot; null where it cannot be estimated. */
  readonly icc: number | null;
  /** Design effect used for the interval: the number of trials that count as one. */
  readonly deff: number | null;
  /** What more machines would do for the interval; null where more trials do as much. */
  readonly advice: Advice | null;
  readonly boots: number;
  /** Frozen and counted trials by boot. */
  readonly clusters: readonly Cluster[];
  /** Time to FROZEN of the frozen trials. */
  readonly p50Us: number | null;
  readonly p95Us: number | null;
  /** Quantiles of the time to FROZEN of all counted trials, in microseconds; null when no trial was meant to freeze. */
  readonly times: TimeQuantiles | null;
  /** The share of all counted trials that had frozen by a time in microseconds; at most 64 steps. */
  readonly curve: readonly Step[];
  /**
   * The shares of all thaws that had casualties (`casualties`) and that brought all tasks back (`thawed`); null without
   * a thaw.
   */
  readonly casualties: Share | null;
  readonly thawed: Share | null;
  /** Trials with a kernel crash or hang, out of these and the counted ones; null when there are neither. */
  readonly crashes: Share | null;
  /** Trials by outcome; `lab-error` holds those that never got another outcome. */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly thaw: Readonly<Partial<Record<ThawOutcome, number>>>;
  /** Trials that did not freeze; each may count in several `blockers`. */
  readonly notFrozen: number;
  /** The most frequent first. */
  readonly blockers: readonly BlockerGroup[];
  /** What the strategy's program did besides freezing; null for a loop of frostbite's own. */
  readonly tool: ToolSummary | null;
  /** For a sequence: the failed steps, in order. */
  readonly failures: readonly StepFailure[];
  readonly environments: readonly Environment[];
  /**
   * The share of the host time wanted by its machines that they waited for. Null: unknown, or its workload is not busy, so
   * that it does not matter.
   */
  readonly waited: number | null;
  /** The distinct conditions of its counted trials. */
  readonly conditions: readonly Conditions[];
  /** Reasons of crashes, hangs, false-frozen, unsupported and lab errors, the most frequent first. */
  readonly incidents: readonly Incident[];
  /**
   * Oopses, lockups, stalls, hung tasks, warnings and OOM kills, including those in successful trials; the most
   * frequent first.
   */
  readonly kernelNotes: readonly KernelNote[];
  /** Why there is no rate; null when there is one. */
  readonly notMeasured: NotMeasured | null;
  /** Why some of its trials were not run; null when the cell was not given up. */
  readonly problem: string | null;
  /** Total duration of its trials in microseconds; some may have run concurrently. */
  readonly wallUs: number;
  /** ISO instant at which its first trial began; null without one. */
  readonly began: string | null;
}

/** Whether a cell belongs to a sequence, not to a workload. */
export const isSequence = ({ strategy }: CellName): boolean => strategy === stepsStrategy;

/** Why a cell has no counted trial. */
export interface NotMeasured {
  readonly kind: 'unsupported' | 'crash' | 'hang' | 'lab-error' | 'given-up' | 'not-run';
  readonly reason: string;
}

/** The run itself, as a summary describes it. */
export interface RunName {
  readonly id: string;
  readonly name: string;
  readonly started: string | null;
  readonly status: 'finished' | 'interrupted' | 'running' | 'killed' | 'unknown';
  /** Planned trials per cell; null when the run's description is lost. */
  readonly trials: number | null;
  /** Set for a run that measured each cell until its rate was known: rates have the bounds of a confidence sequence. */
  readonly sampling?: Sampling | null;
  readonly lab: string | null;
  /** The part of its description that cannot be read, so that nobody can say whether its cells are as expected. */
  readonly lost?: string;
}

/** The results of a run's records. */
export interface Summary {
  readonly run: RunName;
  /** The planned cells in order, then cells that appear only in records, in byte order. */
  readonly cells: readonly CellSummary[];
  /** Pairs of cells that the matrix asks to compare. */
  readonly differences: readonly Difference[];
  /** Records read; more than there are trials when some trials were retried. */
  readonly records: number;
}

/** Splits a cell's id; parts that the id lacks are empty. */
export function cellName(id: string): CellName {
  const [distro = '', cgroup = '', runtime = '', workload = '', ...strategy] = id.split('/');
  return { id, distro, cgroup, runtime, workload, strategy: strategy.join('/') };
}
