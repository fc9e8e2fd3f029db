import type { Cause } from '../analyse/causes.ts';
import type { CellExplanation, Explained } from '../analyse/explain.ts';
import { escapeTerminal } from './escape.ts';
import { plural } from './words.ts';

const framesShown = 6;

/**
 * Explanations for a terminal: each cell with its causes and its evidence folder, then each cause once, with remedies.
 */
export function explainReport(
  cells: readonly CellExplanation[],
  evidence: ReadonlyMap<string, string> = new Map(),
): string {
  if (cells.length === 0) return 'Every measured trial of these cells froze: there is nothing to explain.\n';
  const lines = cells.flatMap((one) => {
    const folder = evidence.get(one.cell);
    return [
      ...cellLines(one),
      ...(folder === undefined ? [] : [escapeTerminal(`  evidence: ${folder}`)]),
      '',
    ];
  });
  const causes = new Map<string, Cause>();
  for (const { cause } of cells.flatMap((one) => one.causes))
    if (cause !== null) causes.set(cause.key, cause);
  if (causes.size > 0) lines.push('What that is', ...[...causes.values()].flatMap(causeLines));
  return `${lines.join('\n').trimEnd()}\n`;
}

function cellLines({ cell, releases, failed, trials, causes, unseen }: CellExplanation): string[] {
  const kernel = releases.length === 0 ? '' : ` (${releases.join(', ')})`;
  return [
    escapeTerminal(`${cell}${kernel}: ${failed} of ${plural(trials, 'trial')} did not freeze`),
    ...causes.flatMap((one) => [
      `  ${one.trials} most likely by ${one.cause?.name ?? 'something that no rule knows'}`,
      `    seen: ${escapeTerminal(taskWords(one))}`,
    ]),
    ...(unseen === 0
      ? []
      : [
          `  ${unseen} with no task in the way when it was looked for: the state may have been about to change, or be stale`,
        ]),
  ];
}

function taskWords({ example }: Explained): string {
  const where = example.group === undefined ? '' : ` in the group ${example.group}`;
  return `${example.comm}${where}, in ${stateWords(example)}`;
}

function stateWords({ state, stack, wchan, unread }: Explained['example']): string {
  const frames = stack
    .slice(0, framesShown)
    .map((line) => line.replace(/^\[<[^>]*>\] /, '').replace(/\+0x.*/, ''));
  const where = frames.length > 0 ? frames.join(' < ') : wchan === '0' ? 'no stack' : wchan;
  return `${state}: ${where}${unread === true ? ' (this kernel does not give the stack while it waits)' : ''}`;
}

const causeLines = ({ name, why, todo }: Cause): string[] => [
  `  ${name[0]?.toUpperCase()}${name.slice(1)}`,
  ...wrap(why),
  ...wrap(`-> ${todo}`),
];

/** Lines of at most 110 characters, indented. */
function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 106) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line) => `    ${line}`);
}
