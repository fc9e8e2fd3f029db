/** How a trial ended. docs/reference/outcomes.md explains each. */
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

/** Outcomes that count for a success rate: the kernel was asked to freeze, and its answer was checked. */
export const countedOutcomes: ReadonlySet<Outcome> = new Set<Outcome>([
  'frozen',
  'not-frozen',
  'false-frozen',
  'passed',
  'failed',
]);

/** Whether an outcome is a success. */
export const isSuccess = (outcome: Outcome): boolean => outcome === 'frozen' || outcome === 'passed';

/** Whether an outcome is worth investigating: counted but no success, or a kernel crash or hang. */
export const isFailure = (outcome: Outcome): boolean =>
  outcome === 'kernel-crash' ||
  outcome === 'kernel-hang' ||
  (countedOutcomes.has(outcome) && !isSuccess(outcome));

/** Whether the trial is finished: a `lab-error` is our own failure, after which the trial is retried. */
export const isFinal = (outcome: Outcome): boolean => outcome !== 'lab-error';

/** How the thaw after a counted trial went. */
export const thawOutcomes = ['thawed', 'thaw-stuck', 'casualties'] as const;
export type ThawOutcome = (typeof thawOutcomes)[number];
