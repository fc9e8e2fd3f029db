import type { Judgement } from '../analyse/expect.ts';
import type { Summary } from '../analyse/summary.ts';
import { escapeTerminal } from './escape.ts';
import { blockerWords, cellFigures, cellStatuses, type CellStatus } from './status.ts';

/** A summary as TAP version 14 (testanything.org): a test point per cell, with its figures in YAML below it. */
export function tapReport(summary: Summary, judgements: readonly Judgement[]): string {
  const cells = cellStatuses(summary, judgements);
  const lines = ['TAP version 14', `1..${cells.length}`, ...cells.flatMap(testPoint)];
  return `${lines.join('\n')}\n`;
}

function testPoint({ cell, state, status, why }: CellStatus, index: number): string[] {
  const isOk = status === 'passed' || status === 'skipped';
  const skip = status === 'skipped' ? ` # SKIP ${escapeTap(why)}` : '';
  const told = {
    state,
    ...(cell.releases.length === 0 ? {} : { kernel: cell.releases.join(', ') }),
    ...(cell.rate === null ? {} : { measured: cellFigures(cell) }),
    ...(why === '' || status === 'skipped' ? {} : { [status === 'error' ? 'error' : 'message']: why }),
    ...(cell.blockers.length === 0 ? {} : { blocked: blockerWords(cell).join('; ') }),
  };
  // a JSON string is a valid single-line YAML string
  const yaml = Object.entries(told).map(
    ([key, value]) => `  ${key}: ${JSON.stringify(escapeTerminal(value))}`,
  );
  return [
    `${isOk ? 'ok' : 'not ok'} ${index + 1} - ${escapeTap(cell.id)}${skip}`,
    ...['  ---', ...yaml, '  ...'],
  ];
}

/** In TAP `#` begins a directive, and a backslash escapes. */
const escapeTap = (text: string): string => escapeTerminal(text.replaceAll(/[\\#]/g, String.raw`\$&`));
