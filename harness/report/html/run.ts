import type { CellExplanation, Explained } from '../../analyse/explain.ts';
import type { Judgement } from '../../analyse/expect.ts';
import { exitCode } from '../../analyse/state.ts';
import { isSequence, type CellSummary, type RunName, type Summary } from '../../analyse/summary.ts';
import type { Step } from '../../analyse/times.ts';
import { escapeTerminal } from '../escape.ts';
import { notes } from '../notes.ts';
import { cellStatuses, stateCounts, type CellStatus } from '../status.ts';
import {
  judgementLine,
  kernelNoteWords,
  milliseconds,
  notMeasuredWord,
  percent,
  plural,
  rateWords,
} from '../words.ts';
import { axisNames, type AxisName } from '../../matrix/axes.ts';
import type { Fact, PageCause, PageCell, RunPage } from './data.ts';

/** A run and everything a page shows of it. */
export interface RunEvidence {
  readonly summary: Summary;
  readonly judgements: readonly Judgement[];
  readonly explanations: readonly CellExplanation[];
  /** By cell: the end of the console log of a machine that was lost in it. */
  readonly consoles: ReadonlyMap<string, string>;
}

/** The data of a run's page. Every string of a guest is escaped (`escapeTerminal`). */
export function runPage(evidence: RunEvidence): RunPage {
  const { summary, judgements } = evidence;
  const pool = new TextPool();
  const axes = Object.fromEntries(
    axisNames.map((axis) => [axis, [...new Set(summary.cells.map((cell) => escapeTerminal(cell[axis])))]]),
  ) as Record<AxisName, string[]>;
  const statuses = cellStatuses(summary, judgements);
  const cellOf = cellMaker(evidence, axes, pool);
  return {
    kind: 'run',
    title: escapeTerminal(summary.run.id),
    ...verdictOf(statuses, judgements),
    facts: runFacts(summary, judgements),
    axes,
    releases: axes.distro.map((name) => releasesOf(summary, name)),
    cells: statuses.map(cellOf),
    notes: notes(summary, judgements)
      .filter(({ title }) => title !== 'Marks')
      .map(({ title, lines }) => ({ title, lines: lines.map(escapeTerminal) })),
    texts: pool.texts,
  };
}

function verdictOf(
  statuses: readonly CellStatus[],
  judgements: readonly Judgement[],
): Pick<RunPage, 'verdict' | 'exitCode'> {
  const code = exitCode(statuses);
  const missed = judgements.filter(({ verdict }) => verdict === 'missed').length;
  if (code !== 0) {
    const words = missed === 0 ? '' : `${plural(missed, 'expectation')} missed. `;
    return { verdict: `${words}Cells: ${stateCounts(statuses)}.`, exitCode: code };
  }
  const unsure = statuses.filter(({ cell }) => cell.rate !== null && cell.rate < 1).length;
  const found = `${plural(unsure, 'cell')} of ${statuses.length} did not freeze in every trial.`;
  const expected =
    judgements.length === 0 ? 'Nothing was expected.' : 'Nothing that was expected was missed.';
  return { verdict: `${expected} ${found}`, exitCode: code };
}

function runFacts({ run, cells, records }: Summary, judgements: readonly Judgement[]): Fact[] {
  const verdicts = (['met', 'missed', 'undecided'] as const).map(
    (wanted) => `${judgements.filter(({ verdict }) => verdict === wanted).length} ${wanted}`,
  );
  const facts: Fact[] = [
    ['matrix', run.name],
    ['started', run.started ?? 'unknown'],
    ['status', run.status],
    ['cells', `${cells.length}, ${plural(records, 'record')}`],
    ['expectations', judgements.length === 0 ? 'none' : verdicts.join(', ')],
    ['machines', run.lab ?? 'unknown'],
  ];
  return facts.map(([name, value]) => [name, escapeTerminal(value)]);
}

const releasesOf = ({ cells }: Summary, distro: string): string =>
  [
    ...new Set(
      cells.filter((cell) => escapeTerminal(cell.distro) === distro).flatMap(({ releases }) => releases),
    ),
  ]
    .map(escapeTerminal)
    .join(', ');

function cellMaker(
  { summary, judgements, explanations, consoles }: RunEvidence,
  axes: Readonly<Record<AxisName, readonly string[]>>,
  pool: TextPool,
): (status: CellStatus) => PageCell {
  const numbers = axisNames.map((axis) => new Map(axes[axis].map((name, i) => [name, i])));
  const byCell = new Map(explanations.map((one) => [one.cell, one]));
  const expected = new Map<string, Judgement[]>();
  for (const one of judgements) expected.set(one.cell.id, [...(expected.get(one.cell.id) ?? []), one]);
  return ({ cell, state, status, why }) => {
    const [d, c, r, w, s] = axisNames.map((axis, i) => numbers[i]!.get(escapeTerminal(cell[axis]))!);
    const explanation = byCell.get(cell.id);
    const console = consoles.get(cell.id);
    const facts = [
      ['state', escapeTerminal(why === '' ? state : `${state}: ${why}`)] as const,
      ...cellFacts(cell, summary.run),
      ...(expected.get(cell.id) ?? []).map((one): Fact => ['expected', expectedWords(one)]),
    ];
    return {
      at: [d!, c!, r!, w!, s!],
      state,
      status,
      ...figures(cell),
      facts: facts.map(([name, value]) => [pool.add(name), pool.add(value)]),
      ...(explanation === undefined
        ? {}
        : { causes: explanation.causes.map((one) => causeOf(one, explanation, pool)) }),
      ...(console === undefined
        ? {}
        : { console: pool.add(console.split('\n').map(escapeTerminal).join('\n')) }),
    };
  };
}

function figures(cell: CellSummary): Pick<PageCell, 'rate' | 'none' | 'curve'> {
  const { rate, low, high, frozen, trials, notMeasured, curve } = cell;
  if (rate === null || low === null || high === null)
    return { none: notMeasured === null ? 'not measured' : notMeasuredWord(notMeasured) };
  return {
    rate: [frozen, trials, rate, low, high],
    ...(isSequence(cell) || curve.length === 0 ? {} : { curve: thin(curve, trials) }),
  };
}

const stepsKept = 32;

/**
 * As numbers of trials: the page computes the same curve from them, because all failed trials are censored at its end.
 */
function thin(curve: readonly Step[], trials: number): number[] {
  const every = Math.ceil(curve.length / stepsKept);
  return curve
    .filter((_, i) => (curve.length - 1 - i) % every === 0)
    .flatMap(({ at, share }) => [at, Math.round(share * trials)]);
}

function cellFacts(cell: CellSummary, run: RunName): Fact[] {
  const { boots, icc, deff, outcomes, thaw, tool, incidents, failures, environments } = cell;
  const { releases, runtimeVersions, times, kernelNotes } = cell;
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const time = (us: number): string => (us === Infinity ? 'never' : `${milliseconds(us)} ms`);
  const all: (Fact | null)[] = [
    ['kernel', releases.join(', ')],
    ['runtime', runtimeVersions.join(', ')],
    ['outcomes', counts(outcomes)],
    boots === 0
      ? null
      : [
          'boots',
          `${boots}${icc === null ? '' : `, intra-class correlation ${icc.toFixed(2)}`}${deff === null ? '' : `, ${deff.toFixed(1)} trials count as one`}`,
        ],
    times === null || times.p50.value === Infinity
      ? null
      : ['median to FROZEN', `${time(times.p50.value)} [${time(times.p50.low)} to ${time(times.p50.high)}]`],
    times === null || times.p95.value === Infinity
      ? null
      : ['95th percentile', `${time(times.p95.value)} [${time(times.p95.low)} to ${time(times.p95.high)}]`],
    ['thaw', counts(thaw)],
    tool === null
      ? null
      : [
          'its program',
          `${tool.versions.join(', ')} did its work in ${tool.done} of ${tool.trials}, ${rateWords(tool)}`,
        ],
    ...(tool?.errors.slice(0, 3) ?? []).map(({ error, trials }): Fact => ['', `${trials} × ${error}`]),
    ...failures.map(({ step, what, expected, found, trials }): Fact => [
      `step ${step}`,
      `${what}: expected ${expected}; found ${found} (${trials})`,
    ]),
    ...incidents.slice(0, 5).map(({ outcome, reason, trials }): Fact => [outcome, `${trials} × ${reason}`]),
    ...kernelNotes.slice(0, 5).map((note): Fact => ['kernel said', kernelNoteWords(note)]),
    cell.waited === null ? null : ['waited for the host', `${percent(cell.waited)} of the time they wanted`],
    ['emulation', environments.map(({ text }) => text).join('; ')],
    cell.advice === null
      ? null
      : [
          'advice',
          `its boots differ: with twice the machines the ${plural(cell.trials, 'trial')} would count as ${Math.round(cell.advice.twiceTheMachines)}, with twice the trials in each as ${Math.round(cell.advice.twiceTheTrials)}, now as ${Math.round(cell.advice.now)}`,
        ],
    run.trials === null || run.trials === cell.trials ? null : ['planned', plural(run.trials, 'trial')],
  ];
  return all
    .filter((fact) => fact !== null && fact[1] !== '')
    .map((fact): Fact => [fact![0], escapeTerminal(fact![1])]);
}

function expectedWords(one: Judgement): string {
  const [, words = ''] = judgementLine(one).split(': expected ', 2);
  return `${one.verdict}: ${escapeTerminal(words)}`;
}

function causeOf({ cause, trials, example }: Explained, of: CellExplanation, pool: TextPool): PageCause {
  const { comm, state, wchan, stack } = example;
  const add = (text: string | undefined): number | null => (text === undefined ? null : pool.add(text));
  return {
    trials,
    failed: of.failed,
    name: add(cause?.name),
    why: add(cause?.why),
    todo: add(cause?.todo),
    seen: pool.add(escapeTerminal(`${comm}, in ${state}${wchan === '0' ? '' : ` in ${wchan}`}`)),
    stack: stack.length === 0 ? null : pool.add(stack.map(escapeTerminal).join('\n')),
  };
}

/** A pool that stores each distinct text once. */
class TextPool {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  add(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}
