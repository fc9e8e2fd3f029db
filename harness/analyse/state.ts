import type { Judgement } from './expect.ts';
import { isEnough } from './sampler.ts';
import type { CellSummary, RunName, Summary } from './summary.ts';

/**
 * The result of a cell in one word; every report, exit code and nightly verdict is based on it. Their meanings are in
 * docs/reference/outcomes.md, "States of a cell".
 */
export const cellStates = [
  'measured',
  'undecided',
  'unsupported',
  'missed',
  'crashed',
  'incomplete',
  'not-measured',
  'unjudged',
] as const;
export type CellState = (typeof cellStates)[number];

/** The exit code of a run whose cells are all in one state: 1 is the kernel's fault, 69 means that nobody can tell. */
export const stateCodes = {
  measured: 0,
  undecided: 0,
  unsupported: 0,
  missed: 1,
  crashed: 1,
  incomplete: 69,
  'not-measured': 69,
  unjudged: 69,
} as const satisfies Readonly<Record<CellState, 0 | 1 | 69>>;

/** A cell, its state, and what was expected of it. */
export interface StatedCell {
  readonly cell: CellSummary;
  readonly state: CellState;
  readonly judgements: readonly Judgement[];
}

/** Trials in which the kernel was lost. */
export const lostTrials = ({ outcomes }: Pick<CellSummary, 'outcomes'>): number =>
  (outcomes['kernel-crash'] ?? 0) + (outcomes['kernel-hang'] ?? 0);

/**
 * Whether a cell has every planned trial, or its rate is known as precisely as requested. A trial in which the kernel
 * was lost counts; lab errors and unsupported trials do not.
 */
export function isComplete(cell: CellSummary, run: RunName): boolean {
  const { trials: planned, sampling, status } = run;
  if (planned === null || cell.trials + lostTrials(cell) >= planned) return true;
  if (!sampling) return false;
  // a trial still running when its cell was decided can widen the bounds again
  const wasDecided = status === 'finished' && cell.problem === null && cell.trials >= sampling.min;
  return wasDecided || isEnough(sampling, cell);
}

/**
 * The state of a cell; `judgements` are its own. A fault of the kernel outranks missing trials: more trials would not
 * change it. A crash or hang is a fault unless the matrix has an expectation of `crashes`.
 */
export function stateOf(cell: CellSummary, judgements: readonly Judgement[], run: RunName): CellState {
  const has = (wanted: Judgement['verdict']): boolean => judgements.some(({ verdict }) => verdict === wanted);
  const lost = lostTrials(cell);
  if (has('missed')) return 'missed';
  if (lost > 0 && !judgements.some(({ expected }) => expected.of === 'crashes')) return 'crashed';
  if (cell.trials + lost === 0)
    return cell.notMeasured?.kind === 'unsupported' ? 'unsupported' : 'not-measured';
  if (!isComplete(cell, run)) return 'incomplete';
  if (run.lost !== undefined) return 'unjudged';
  return has('undecided') ? 'undecided' : 'measured';
}

/** The state of every cell, in the order of the summary. */
export function statesOf({ cells, run }: Summary, judgements: readonly Judgement[]): StatedCell[] {
  const byCell = new Map<string, Judgement[]>();
  for (const judgement of judgements)
    byCell.set(judgement.cell.id, [...(byCell.get(judgement.cell.id) ?? []), judgement]);
  return cells.map((cell) => {
    const own = byCell.get(cell.id) ?? [];
    return { cell, state: stateOf(cell, own, run), judgements: own };
  });
}

/** The exit code of a run with cells in these states: 1 before 69 before 0. Without a cell nothing was measured: 69. */
export function exitCode(states: readonly { readonly state: CellState }[]): 0 | 1 | 69 {
  const codes = states.map(({ state }) => stateCodes[state]);
  if (codes.includes(1)) return 1;
  return codes.length === 0 || codes.includes(69) ? 69 : 0;
}
