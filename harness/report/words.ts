import type { Judgement } from '../analyse/expect.ts';
import type { Interval } from '../analyse/interval.ts';
import { lostTrials, type CellState } from '../analyse/state.ts';
import type { CellSummary, KernelNote, NotMeasured, RunName } from '../analyse/summary.ts';

/** Microseconds as milliseconds, rounded for reading: `0.41`, `3.2`, `127`. */
export function milliseconds(us: number): string {
  const ms = us / 1000;
  if (ms < 0.995) return ms.toFixed(2);
  return ms < 9.95 ? ms.toFixed(1) : ms.toFixed(0);
}

/**
 * A rate as whole percent. Only an exact 0 or 1 reads as 0 or 100, so that a rare failure is never
 * rounded away: 0.999 is `99`, 0.001 is `1`.
 */
export function percent(rate: number): string {
  if (rate === 0 || rate === 1) return String(rate * 100);
  return String(Math.min(99, Math.max(1, Math.round(rate * 100))));
}

/** Why a cell has no figures, in one word for the table. */
const words: Readonly<Record<NotMeasured['kind'], string>> = {
  unsupported: 'unsupported',
  crash: 'kernel crash',
  hang: 'kernel hang',
  'lab-error': 'not measured',
  'given-up': 'not measured',
  'not-run': 'not measured',
};

export const notMeasuredWord = ({ kind }: NotMeasured): string => words[kind];

/** `88% [53-98]`. */
export const rateWords = ({ rate, low, high }: Interval): string =>
  `${percent(rate)}% [${percent(low)}-${percent(high)}]`;

/** A difference of rates in percentage points: `+12`, `-3`, `0`. */
export function signed(difference: number): string {
  const points = Math.round(difference * 100);
  return points > 0 ? `+${points}` : String(points === 0 ? 0 : points);
}

/** A p-value with two significant digits. */
export const significant = (p: number): string => (p >= 0.1 ? p.toFixed(2) : p.toPrecision(2));

export const differenceMethod =
  'Differences: Newcombe interval (1998, method 10) on the widened ones; p by a t test of clustered proportions ' +
  'whose unit is the boot (Donner and Klar 2000), of each pair alone; behind it as one of all pairs here (Holm 1979).';

/** The parts of a measured cell's figures: `7/8`, `88% [53-98]`, `12/40` (ms). */
export function figures(cell: CellSummary): { count: string; rate: string; time: string } {
  const { frozen, trials, rate, low, high, p50Us, p95Us } = cell;
  return {
    count: `${frozen}/${trials}`,
    rate: rate === null || low === null || high === null ? '' : rateWords({ rate, low, high }),
    time: p50Us === null || p95Us === null ? '-' : `${milliseconds(p50Us)}/${milliseconds(p95Us)}`,
  };
}

/**
 * Races have other rates where the host keeps their vCPUs waiting for more than this share of the time they want. Two vCPUs
 * of a machine that has two cores to itself wait for an eighth of it, for QEMU's other threads.
 */
const busyShare = 0.3;

/** The mark of each state; a cell that was not measured has a word in place of its rate. */
const stateMarks: Readonly<Partial<Record<CellState, string>>> = {
  missed: 'x',
  crashed: '!',
  undecided: '~',
  incomplete: '<',
  unjudged: '?',
};

export const stateMark = (state: CellState): string => stateMarks[state] ?? '';

/** Marks after a cell's figures: its state, and what else happened in it. */
export function marks(cell: CellSummary, state: CellState): string {
  const { outcomes, thaw, environments, releases, kernelNotes, waited } = cell;
  return [
    stateMark(state),
    outcomes['false-frozen'] === undefined ? '' : 'f',
    lostTrials(cell) === 0 || state === 'crashed' ? '' : '!',
    kernelNotes.length === 0 ? '' : 'k',
    thaw['thaw-stuck'] === undefined && thaw.casualties === undefined ? '' : 't',
    (waited ?? 0) > busyShare ? 'b' : '',
    environments.length > 1 || releases.length > 1 ? 'm' : '',
  ].join('');
}

/** `1 cell`, `2 cells`. */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** How a run ended. */
export const statusWords: Readonly<Record<RunName['status'], string>> = {
  finished: 'finished',
  interrupted: 'interrupted: go on with --resume',
  running: 'still running: figures so far',
  killed: 'killed before its end: go on with --resume',
  unknown: 'its description is lost',
};

/** What a kernel did, by the kind of its message. */
const kernelVerbs: Readonly<Record<string, string>> = {
  panic: 'panicked',
  oops: 'oopsed',
  lockup: 'told of a lockup',
  'rcu-stall': 'told of an RCU stall',
  'hung-task': 'told of a hung task',
  oom: 'killed for want of memory',
  warning: 'warned',
};

/** `3 × frozen, and the kernel warned: WARNING: CPU: 0 ...`. */
export const kernelNoteWords = ({ kind, outcome, line, trials }: KernelNote): string =>
  `${trials} × ${outcome}, and the kernel ${kernelVerbs[kind] ?? `told of ${kind}`}: ${line}`;

/** The meanings of the marks. */
export const markMeanings: Readonly<Record<string, string>> = {
  x: 'an expectation was missed',
  '~': 'an expectation is undecided',
  '<': 'incomplete: fewer trials than planned',
  '?': 'unjudged: what was planned or expected is lost',
  f: 'a group read FROZEN while its processes ran',
  '!': 'the kernel crashed or hung in some trials',
  k: 'the kernel told of trouble in some trials',
  t: 'some thaw did not bring all processes back',
  b: 'a busy host: it kept the machines waiting for more than 30 % of the time they wanted',
  m: 'mixed: from several kernels or ways of emulation',
};

export const intervalLine = ({ sampling }: RunName): string =>
  (sampling
    ? 'Rates: bounds of a 95 % confidence sequence on the effective number of trials (Robbins 1970), which hold though ' +
      'each cell was measured until they were near; '
    : "Rates: 95 % Wilson score interval on the effective number of trials, with Student's t: ") +
  'trials in one boot are not independent. Times: median/95th percentile to FROZEN, in ms.';
/** An expectation and the result, in words. */
export function judgementLine({ cell, expected, found }: Judgement): string {
  const { value, low, high, of } = found;
  const what = expected.of === 'rate' ? 'a rate' : expected.of;
  const figure =
    of === null
      ? `${timeWords(value)} [${timeWords(low)} to ${timeWords(high)}]`
      : `${of.count}/${of.trials}, ${rateWords({ rate: value, low, high })}`;
  return `${cell.id}: expected ${what} ${expected.text}, found ${figure}`;
}

const timeWords = (us: number): string => (us === Infinity ? 'never' : `${milliseconds(us)} ms`);

/** A shell word, quoted where necessary. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
