import { workloadOf } from '../matrix/parameters.ts';
import type { Cell } from '../plan/cell.ts';

/** What differs from machine to machine and from trial to trial in a reason that is the same. */
const varying: readonly (readonly [RegExp, string])[] = [
  // instants, boots, addresses
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.]*Z?/g, '*'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '*'],
  [/\b(?:0x[0-9a-f]+|[0-9a-f]{16})\b/gi, '*'],
  [/\b(127\.0\.0\.1|localhost):\d+/g, '$1:*'],
  // groups and files of ours: frostline-PID-TRIAL
  [/\bfrost(line|bite)-\d+(?:-\d+)*/g, 'frost$1-*'],
  // machines: m3
  [/(?<![\w.-])m\d+\b/g, 'm*'],
  [/\/proc\/\d+/g, '/proc/*'],
  [/\b(pids?|process|task|thread|trial|child)([ :=]+)\d+/gi, '$1$2*'],
  [/#\d+\b/g, '#*'],
  // times: of the kernel's log, and with a unit
  [/\[ *\d+\.\d+\]/g, '[*]'],
  [/\b\d+(?:\.\d+)? (us|ms|s|min)\b/g, '* $1'],
];

/**
 * The first line of a reason with a `*` for what varies: two failures with the same one have failed for the same
 * reason. What tells reasons apart stays: words, paths, versions, exit codes.
 */
export function patternOf(reason: string): string {
  const [line = ''] = reason.split('\n', 1);
  return varying.reduce((text, [what, by]) => text.replaceAll(what, by), line);
}

/** A reason without the name in front of it that says whose it is: of its workload, or of a sequence's process. */
export function withoutName(reason: string, { workload }: Pick<Cell, 'workload'>): string {
  const name = `${workloadOf(workload)}: `;
  return (reason.startsWith(name) ? reason.slice(name.length) : reason).replace(/^[\w-]+, (?=into )/, '');
}

/** One sentence for reasons of one pattern, one at least: the words that all have. */
export function sharedWords(reasons: readonly string[]): string {
  const [first = '', ...others] = reasons;
  if (others.every((other) => other === first)) return first;
  const rest = first.includes('\n') ? first.slice(first.indexOf('\n')) : '';
  return `${patternOf(first)}${rest}`;
}

const axes = [
  ['distro', 'of'],
  ['cgroup', 'on'],
  ['runtime', 'in'],
  ['workload', 'with'],
  ['strategy', 'by'],
] as const;

/** Which cells those are, by what they share: `16 cells of centos-7 on v1`; a single one by its id. */
export function cellsWords(
  cells: readonly Readonly<Record<'id' | (typeof axes)[number][0], string>>[],
): string {
  if (cells.length === 1) return cells[0]!.id;
  const shared = axes.flatMap(([axis, word]) => {
    const [value, another] = new Set(cells.map((cell) => cell[axis]));
    return another !== undefined || value === undefined || value === 'none' ? [] : [`${word} ${value}`];
  });
  return [`${cells.length} cells`, ...shared].join(' ');
}
