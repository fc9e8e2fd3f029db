import type { Judgement } from '../analyse/expect.ts';
import { isComplete, lostTrials } from '../analyse/state.ts';
import type { BlockerGroup, CellSummary, Summary } from '../analyse/summary.ts';
import { unmeasured } from '../analyse/unmeasured.ts';
import {
  differenceMethod,
  intervalLine,
  judgementLine,
  kernelNoteWords,
  markMeanings,
  marks,
  plural,
  rateWords,
  signed,
  significant,
} from './words.ts';
import { stepLines, withoutSequences } from './sequences.ts';
import { cellStatuses, incompleteWords, stateCounts, type CellStatus } from './status.ts';
import { tabulate, type Row } from './table.ts';

/** A titled list below the table. Its lines contain strings of the guest, which the reporter escapes. */
export interface Note {
  readonly title: string;
  readonly lines: readonly string[];
}

/** Everything a report says besides its table; notes without lines are left out. */
export function notes(summary: Summary, judgements: readonly Judgement[]): Note[] {
  const { cells } = summary;
  const statuses = cellStatuses(summary, judgements);
  const all: Note[] = [
    { title: 'Steps that failed', lines: stepLines(summary) },
    { title: 'What blocked', lines: blockerLines(summary) },
    {
      title: 'Kernel crashes and hangs',
      lines: incidentLines(cells, ['kernel-crash', 'kernel-hang']),
    },
    { title: 'What kernels told of trouble', lines: cells.flatMap(kernelLines) },
    { title: 'Read FROZEN while processes ran', lines: incidentLines(cells, ['false-frozen']) },
    { title: 'What the tools did', lines: cells.flatMap(toolLines) },
    { title: 'Differences', lines: differenceLines(summary) },
    { title: 'Where more machines help more than more trials', lines: cells.flatMap(adviceLine) },
    { title: 'Thaws that did not bring all back', lines: cells.flatMap(thawLine) },
    { title: 'Not measured', lines: notMeasuredLines(cells) },
    { title: 'Fewer trials than planned', lines: incompleteLines(summary) },
    { title: 'Expectations missed', lines: verdictLines(judgements, 'missed') },
    { title: 'Expectations undecided', lines: verdictLines(judgements, 'undecided') },
    { title: 'States', lines: stateLines(statuses) },
    { title: 'Emulation', lines: environmentLines(cells) },
    { title: 'Marks', lines: markLines(statuses) },
    {
      title: 'Method',
      lines: [
        ...(withoutSequences(summary).cells.length > 0 ? [intervalLine(summary.run)] : []),
        ...(summary.differences.length > 0 ? [differenceMethod] : []),
      ],
    },
  ];
  return all.filter(({ lines }) => lines.length > 0);
}

function blockerLines(summary: Summary): string[] {
  return tabulate(summary).sections.flatMap(({ rows }) =>
    rows.flatMap((row) => {
      const cells = [...row.cells.values()];
      const failed = cells.reduce((sum, { notFrozen }) => sum + notFrozen, 0);
      if (failed === 0) return [];
      const places = mergePlaces(row).map(
        ({ where, state, trials }) => `${trials} of ${failed}: ${where} in ${state}`,
      );
      const shown = places.slice(0, 4);
      if (places.length > shown.length) shown.push(`${places.length - shown.length} more places`);
      return [
        `${row.distro} ${row.label}: ${shown.length > 0 ? shown.join('; ') : `${plural(failed, 'failure')}, no task stood out`}`,
      ];
    }),
  );
}

function mergePlaces({ cells }: Row): BlockerGroup[] {
  const places = new Map<string, BlockerGroup>();
  for (const group of [...cells.values()].flatMap(({ blockers }) => blockers)) {
    const key = `${group.where} ${group.state}`;
    const known = places.get(key);
    places.set(key, known ? { ...known, trials: known.trials + group.trials } : group);
  }
  return [...places.values()].sort((a, b) => b.trials - a.trials);
}

function incidentLines(cells: readonly CellSummary[], kinds: readonly string[]): string[] {
  return cells.flatMap(({ id, incidents }) =>
    incidents
      .filter(({ outcome }) => kinds.includes(outcome))
      .map(({ outcome, reason, trials }) => `${id}: ${trials} × ${outcome}: ${reason}`),
  );
}

const kernelShown = 3;

function kernelLines({ id, kernelNotes }: CellSummary): string[] {
  const shown = kernelNotes.slice(0, kernelShown).map((note) => `${id}: ${kernelNoteWords(note)}`);
  const more = kernelNotes.length - shown.length;
  return more > 0 ? [...shown, `${id}: ${plural(more, 'line')} more`] : shown;
}

/** A tool may fail after freezing: in a dump or a restore. */
function toolLines({ id, tool }: CellSummary): string[] {
  if (tool === null) return [];
  const { versions, done, trials, errors } = tool;
  const head = `${id}: ${versions.join(', ')} did its work in ${done} of ${trials}, ${rateWords(tool)}`;
  const shown = errors.slice(0, 3).map(({ error, trials: count }) => `${id}: ${count} × ${error}`);
  return [head, ...shown];
}

const differenceLines = ({ differences }: Summary): string[] =>
  differences.map(({ from, to, of, by, p, adjusted }) => {
    const [a, b] = of === 'frozen' ? [from, to] : [from.tool!, to.tool!];
    const counts = of === 'frozen' ? [from.frozen, to.frozen] : [from.tool!.done, to.tool!.done];
    const what = of === 'frozen' ? 'FROZEN' : 'work done';
    const change = `${signed(by.rate)} points [${signed(by.low)} to ${signed(by.high)}]`;
    return `${from.id} to ${to.id}: ${what} ${counts[0]}/${a.trials} to ${counts[1]}/${b.trials}, ${change}, ${pWords(p, adjusted)}`;
  });

const pWords = (p: number | null, adjusted: number | null): string =>
  p === null || adjusted === null ? 'one boot: no p' : `p = ${significant(p)} (${significant(adjusted)})`;

function adviceLine({ id, icc, advice }: CellSummary): string[] {
  if (icc === null || advice === null) return [];
  const { boots, trials, now, twiceTheMachines, twiceTheTrials } = advice;
  const [has, more, longer] = [now, twiceTheMachines, twiceTheTrials].map((n) => Math.max(1, Math.round(n)));
  return [
    `${id}: the ${boots} boots differ (intra-class correlation ${icc.toFixed(2)}), so that ${trials} trials count as ${has}; ` +
      `with twice the machines they would count as ${more}, with twice the trials in each as ${longer}`,
  ];
}

function thawLine({ id, thaw }: CellSummary): string[] {
  const bad = [
    thaw['thaw-stuck'] === undefined ? '' : `${thaw['thaw-stuck']} stuck`,
    thaw.casualties === undefined ? '' : `${thaw.casualties} with casualties`,
  ].filter((text) => text !== '');
  return bad.length === 0 ? [] : [`${id}: ${bad.join(', ')}`];
}

/**
 * One line per reason: a kernel that could not be obtained affects all cells of its distro. Crashes have their own
 * lines.
 */
const notMeasuredLines = (cells: readonly CellSummary[]): string[] =>
  unmeasured(cells.filter((cell) => lostTrials(cell) === 0)).map(
    (one) => `${one.cells}: ${one.kind}: ${one.reason}`,
  );

const incompleteLines = ({ run, cells }: Summary): string[] =>
  cells
    .filter((cell) => cell.notMeasured === null && !isComplete(cell, run))
    .map((cell) => `${cell.id}: ${incompleteWords(cell, run)}`);

/** Empty when every cell is simply measured. */
const stateLines = (statuses: readonly CellStatus[]): string[] =>
  statuses.every(({ state }) => state === 'measured') ? [] : [stateCounts(statuses)];

const verdictLines = (judgements: readonly Judgement[], wanted: Judgement['verdict']): string[] =>
  judgements.filter(({ verdict }) => verdict === wanted).map(judgementLine);

/** How the machines were emulated. Several ways get a prominent warning: their rates are not comparable. */
function environmentLines(cells: readonly CellSummary[]): string[] {
  const counts = new Map<string, number>();
  for (const { text, trials } of cells.flatMap(({ environments }) => environments)) {
    counts.set(text, (counts.get(text) ?? 0) + trials);
  }
  const ways = [...counts].map(([text, trials]) =>
    counts.size > 1 ? `${text}: ${plural(trials, 'trial')}` : text,
  );
  const mixed = cells.filter(({ environments }) => environments.length > 1);
  const warning = `MIXED in ${plural(mixed.length, 'cell')} (marked m): such a rate belongs to no single kind of machine`;
  return mixed.length > 0 ? [...ways, warning] : ways;
}

function markLines(statuses: readonly CellStatus[]): string[] {
  const used = new Set(statuses.flatMap(({ cell, state }) => marks(cell, state).split('')));
  return Object.entries(markMeanings)
    .filter(([mark]) => used.has(mark))
    .map(([mark, meaning]) => `${mark} ${meaning}`);
}
