import type { CellState } from '../analyse/state.ts';
import type { TrialRecord } from '../record/schema.ts';
import { nightly, nightlyCell, storeRun, trialsOf, type Stored } from './stored.ts';

/** Planned trials of the one cell of each sample. */
const planned = 20;

const crash = {
  outcome: 'kernel-crash',
  frozenUs: null,
  thaw: null,
  reason: 'Kernel panic - not syncing',
} as const;
const error = { outcome: 'lab-error', frozenUs: null, thaw: null, reason: 'no network' } as const;
const failure = { outcome: 'not-frozen', frozenUs: null } as const;

const trials = (
  change: (trial: number) => Partial<TrialRecord> = () => ({}),
  count = planned,
): readonly TrialRecord[] => trialsOf(nightlyCell, count, change);

/** A matrix of that cell with this expectation. */
const expecting = (text: string): string =>
  nightly.replace(/expect:[^]*/, text === '' ? '' : `expect:\n  - { workload: sleep, ${text} }\n`);

interface Sample extends Pick<Stored, 'records' | 'problems'> {
  readonly name: string;
  readonly state: CellState;
  /** The cell's expectation; none by default. */
  readonly expect?: string;
  /** Replaces the matrix. */
  readonly matrix?: string;
}

/** Runs of one cell, at least one for every state. */
export const samples: readonly Sample[] = [
  { name: 'all froze', state: 'measured', records: trials() },
  {
    name: 'half froze, and nothing is expected',
    state: 'measured',
    records: trials((i) => (i % 2 ? failure : {})),
  },
  { name: 'all froze as expected', state: 'measured', expect: 'rate: "== 1"', records: trials() },
  {
    name: 'a kernel that always crashes, as expected',
    ...{ state: 'measured', expect: 'crashes: "== 1"', records: trials(() => crash) },
  },
  {
    name: 'too near to what is expected',
    ...{ state: 'undecided', expect: 'rate: ">= 0.8"', records: trials((i) => (i < 16 ? {} : failure)) },
  },
  {
    name: 'the kernel has no such thing',
    ...{ state: 'unsupported', records: trials(() => ({ ...error, outcome: 'unsupported' }), 1) },
  },
  {
    name: 'one did not freeze that should',
    ...{ state: 'missed', expect: 'rate: "== 1"', records: trials((i) => (i < 19 ? {} : failure)) },
  },
  {
    name: 'one did not freeze that should, and more were not tried',
    ...{ state: 'missed', expect: 'rate: "== 1"', records: trials((i) => (i < 1 ? {} : failure), 2) },
  },
  {
    name: 'crashes that were not to be',
    ...{ state: 'missed', expect: 'crashes: "== 0"', records: trials(() => crash) },
  },
  { name: 'panics alone', state: 'crashed', records: trials(() => crash) },
  {
    name: 'one froze as expected, and 19 panics',
    ...{ state: 'crashed', expect: 'rate: ">= 0.1"', records: trials((i) => (i === 0 ? {} : crash)) },
  },
  {
    name: 'given up after 3 of 20',
    ...{ state: 'incomplete', records: [...trials(undefined, 3), ...trials(() => error).slice(3, 6)] },
    problems: [{ cell: nightlyCell, trials: 17, reason: 'no network, three times' }],
  },
  { name: 'nothing but errors of ours', state: 'not-measured', records: trials(() => error, 3) },
  { name: 'not run', state: 'not-measured', records: [] },
  {
    name: 'a matrix that does not load here',
    ...{ state: 'unjudged', matrix: expecting('').replace('[sleep]', '[gone]'), records: trials() },
  },
];

/** Stores a finished run of a sample; resolves with its folder. */
export const storeSample = (
  results: string,
  { records, problems, expect = '', matrix = expecting(expect) }: Sample,
  startedAt?: Date,
): Promise<string> =>
  storeRun(results, {
    ...{ matrix, cells: [nightlyCell], trials: planned, records },
    ...(problems === undefined ? {} : { problems }),
    ...(startedAt === undefined ? {} : { startedAt }),
  });
