import { conditionsOf, type Conditions } from './conditions.ts';
import type { TrialRecord } from '../record/schema.ts';
import { isFinal, type Outcome, type ThawOutcome } from '../trial/outcome.ts';
import type { Blocker, StepResult } from '../trial/protocol.ts';
import { patternOf } from '../trial/reason.ts';
import { sameWords } from './tools.ts';

/** The part of a record that is kept: little enough for a million trials to fit in memory. */
export interface Trial {
  readonly outcome: Outcome;
  readonly frozenUs: number | null;
  /** Its duration as measured by the harness. */
  readonly wallUs: number;
  /** Its start in ms since 1970; NaN when its record does not say. */
  readonly beganMs: number;
  readonly boot: string;
  readonly release: string;
  /** The container runtime and its version; empty without one. */
  readonly runtime: string;
  readonly environment: string;
  /** Host CPU time that its vCPUs got, and that they waited for, in microseconds; null: not known. */
  readonly host: { readonly ranUs: number; readonly waitedUs: number } | null;
  /** Equal conditions share one object. */
  readonly conditions: Conditions;
  readonly thaw: ThawOutcome | null;
  readonly reason: string | null;
  /** The result of a real program; `error` is empty when it completed all its work. */
  readonly tool: { readonly ok: boolean; readonly version: string; readonly error: string } | null;
  /** The distinct `where`, `state` and `comm` of its blockers; equal lists share one array. */
  readonly blockers: readonly Place[];
  /** The failed steps of a sequence; equal failures share one object. */
  readonly failures: readonly Failure[];
  /** What the kernel logged in it, each kind once; equal words share one object. */
  readonly facts: readonly KernelWord[];
}

/** A kind of trouble that a kernel logged, and its first line. */
export interface KernelWord {
  readonly kind: string;
  readonly line: string;
}

/** A failed step of a sequence, and its failure. */
export interface Failure {
  readonly step: number;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

export interface Place {
  readonly where: string;
  readonly state: string;
  readonly comm: string;
}

/** The trials of each cell, by number. When a trial has several records, the last final one counts. */
export type Trials = Map<string, Map<number, Trial>>;

/** Records in order, singly or in lists. */
export type Records = AsyncIterable<TrialRecord | readonly TrialRecord[]> | Iterable<TrialRecord>;

/** Collects all records into the trials of each cell. */
export async function gatherTrials(
  records: Records,
): Promise<{ readonly trials: Trials; readonly records: number }> {
  const trials: Trials = new Map();
  const compact = compactor();
  let count = 0;
  const add = (record: TrialRecord): void => {
    count++;
    let cell = trials.get(record.cell);
    if (cell === undefined) trials.set(record.cell, (cell = new Map<number, Trial>()));
    const before = cell.get(record.trial);
    if (before === undefined || isFinal(record.outcome) || !isFinal(before.outcome)) {
      cell.set(record.trial, compact(record));
    }
  };
  for await (const some of records) {
    if ('outcome' in some) add(some);
    else for (const record of some) add(record);
  }
  return { trials, records: count };
}

/** Shares equal strings and equal lists of places: a substring would keep its whole parsed line in memory. */
function compactor(): (record: TrialRecord) => Trial {
  const strings = new Map<string, string>();
  const lists = new Map<string, readonly Place[]>();
  const share = (text: string): string => {
    const known = strings.get(text);
    if (known !== undefined) return known;
    strings.set(text, text);
    return text;
  };
  const shareList = (blockers: readonly Blocker[]): readonly Place[] => {
    if (blockers.length === 0) return none;
    const places = new Map(blockers.map((one) => [`${placeOf(one)} ${one.state}`, one]));
    const key = [...places.keys()].sort().join('\n');
    let list = lists.get(key);
    if (list === undefined) {
      list = [...places.values()].map((one) => ({
        where: placeOf(one),
        state: one.state,
        comm: one.comm,
      }));
      lists.set(key, list);
    }
    return list;
  };
  // the records of a boot share one machine object
  const environments = new WeakMap<TrialRecord['machine'], string>();
  const shareEnvironment = (machine: TrialRecord['machine']): string => {
    const known = environments.get(machine);
    if (known !== undefined) return known;
    const text = share(environmentOf(machine));
    environments.set(machine, text);
    return text;
  };
  const conditions = new Map<string, Conditions>();
  const shareConditions = (own: Conditions): Conditions => {
    const key = JSON.stringify(own);
    const known = conditions.get(key) ?? own;
    conditions.set(key, known);
    return known;
  };
  const failures = new Map<string, Failure>();
  const shareFailure = ({ step, what = '', expected = '', found = '' }: StepResult): Failure => {
    const key = `${step} ${what} ${expected} ${found}`;
    const known = failures.get(key) ?? { step, what, expected, found };
    failures.set(key, known);
    return known;
  };
  const words = new Map<string, KernelWord>();
  // addresses, pids and times differ from trial to trial; the place in the kernel does not
  const shareWord = ({ kind, line }: KernelWord): KernelWord => {
    const text = withoutTime(line);
    const key = `${kind} ${patternOf(text)}`;
    const known = words.get(key) ?? { kind, line: text };
    words.set(key, known);
    return known;
  };
  return ({
    outcome,
    frozenUs,
    at,
    wallUs,
    machine,
    guest,
    thaw,
    reason,
    blockers,
    tool,
    steps,
    window,
    parameters,
  }) => ({
    outcome,
    frozenUs,
    wallUs,
    // a record is made when its trial ends; an instant outside the range of Date also gives NaN
    beganMs: new Date(Date.parse(at) - wallUs / 1000).getTime(),
    boot: share(machine.boot),
    release: share(guest?.release ?? ''),
    runtime: share(guest?.runtime ?? ''),
    environment: shareEnvironment(machine),
    host: window?.host ?? null,
    conditions: shareConditions(conditionsOf({ guest, machine, parameters })),
    thaw: thaw?.outcome ?? null,
    reason: reason === null ? null : share(reason),
    tool: tool && { ok: tool.ok, version: share(tool.version), error: share(sameWords(tool.error ?? '')) },
    blockers: outcome === 'not-frozen' ? shareList(blockers) : none,
    failures: outcome === 'failed' ? (steps ?? []).filter(({ ok }) => !ok).map(shareFailure) : none,
    // leaves out what is already the reason
    facts: (window?.facts ?? none).filter(({ line }) => line !== reason).map(shareWord),
  });
}

const none: readonly never[] = [];

/** A kernel log line without its timestamp and task. */
const withoutTime = (line: string): string => line.replace(/^(?:\[[^\]]*\] *)+/, '');

/** Functions in which every sleeping task stands: they say that a task sleeps, not what it waits for. */
const anySleep = /^(?:_*schedule|io_schedule|preempt_schedule|wait_for_completion|_*wait_on_bit|_*switch_to)/;

/**
 * Where a blocker stood: its wchan, which already skips the scheduler (get_wchan); else the innermost function of its
 * stack that says what it waits for.
 */
export function placeOf({ wchan, stack, state }: Pick<Blocker, 'wchan' | 'stack' | 'state'>): string {
  const place = innermost(wchan, stack) ?? (state === 'R' ? 'running' : 'unknown');
  // compilers inline the wait of a vfork parent; the system call distinguishes it from a fork
  const inVfork = forks.has(place) && stack.some((name) => name.endsWith('_vfork'));
  return inVfork ? `wait_for_vfork_done (inlined in ${place})` : place;
}

const forks: ReadonlySet<string> = new Set(['kernel_clone', '_do_fork', 'do_fork']);

function innermost(wchan: string, stack: readonly string[]): string | undefined {
  if (wchan !== '0' && wchan !== '' && !anySleep.test(wchan)) return wchan;
  const inner = stack.find((name) => !anySleep.test(name)) ?? (wchan === '0' ? undefined : wchan);
  return inner || undefined;
}

/** How a machine runs its guest: figures from machines that differ in this are not mixed silently. */
function environmentOf(machine: TrialRecord['machine']): string {
  const { driver, accel, threads, qemu, cpu, template } = machine;
  const parts = [
    driver,
    accel,
    threads === null ? null : `thread=${threads}`,
    qemu === null ? null : `QEMU ${qemu}`,
    cpu === null ? null : `cpu ${cpu}`,
    template === undefined
      ? null
      : template.clone === null
        ? 'booted for want of a template'
        : 'from templates',
  ];
  return parts.filter((part) => part !== null).join(', ');
}
