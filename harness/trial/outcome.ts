/** How a trial ended. The table of meanings is in docs/reference/outcomes.md. */
export const outcomes = [
  'frozen',
  'not-frozen',
  'false-frozen',
  'passed',
  'failed',
  'kernel-crash',
  'kernel-hang',
  'unsupported',
  'lab-error',
] as const;
export type Outcome = (typeof outcomes)[number];

/** Outcomes that enter a success rate: the kernel was asked to freeze and its answer was checked. */
export const countedOutcomes: ReadonlySet<Outcome> = new Set<Outcome>([
  'frozen',
  'not-frozen',
  'false-frozen',
  'passed',
  'failed',
]);

/** Counted outcomes that are a success. */
export const isSuccess = (outcome: Outcome): boolean => outcome === 'frozen' || outcome === 'passed';

/** Outcomes that somebody will want to look into: counted ones that are no success, and a kernel that was lost. */
export const isFailure = (outcome: Outcome): boolean =>
  outcome === 'kernel-crash' ||
  outcome === 'kernel-hang' ||
  (countedOutcomes.has(outcome) && !isSuccess(outcome));

/** Outcomes after which the trial is over for good; a `lab-error` is ours and is tried again. */
export const isFinal = (outcome: Outcome): boolean => outcome !== 'lab-error';

/** How the thaw after a counted trial went. */
export const thawOutcomes = ['thawed', 'thaw-stuck', 'casualties'] as const;
export type ThawOutcome = (typeof thawOutcomes)[number];
