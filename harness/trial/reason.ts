import { workloadOf } from '../matrix/parameters.ts';
import type { Cell } from '../plan/cell.ts';

/** The parts of a reason that vary between machines and trials, with their replacements. */
const varying: readonly (readonly [RegExp, string])[] = [
  // timestamps, boot ids, addresses
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.]*Z?/g, '*'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '*'],
  [/\b(?:0x[0-9a-f]+|[0-9a-f]{16})\b/gi, '*'],
  [/\b(127\.0\.0\.1|localhost):\d+/g, '$1:*'],
  // our own groups and files: frostline-PID-TRIAL
  [/\bfrost(line|bite)-\d+(?:-\d+)*/g, 'frost$1-*'],
  // machines: m3
  [/(?<![\w.-])m\d+\b/g, 'm*'],
  [/\/proc\/\d+/g, '/proc/*'],
  [/\b(pids?|process|task|thread|trial|child)([ :=]+)\d+/gi, '$1$2*'],
  [/#\d+\b/g, '#*'],
  // times: in the kernel log, and with a unit
  [/\[ *\d+\.\d+\]/g, '[*]'],
  [/\b\d+(?:\.\d+)? (us|ms|s|min)\b/g, '* $1'],
];

/**
 * The first line of a reason with `*` for what varies: two failures with the same pattern have the same reason. Keeps
 * what distinguishes reasons: words, paths, versions, exit codes.
 */
export function patternOf(reason: string): string {
  const [line = ''] = reason.split('\n', 1);
  return varying.reduce((text, [what, by]) => text.replaceAll(what, by), line);
}

/** Removes the prefix of a reason that names its workload or a process of a sequence. */
export function withoutName(reason: string, { workload }: Pick<Cell, 'workload'>): string {
  const name = `${workloadOf(workload)}: `;
  return (reason.startsWith(name) ? reason.slice(name.length) : reason).replace(/^[\w-]+, (?=into )/, '');
}

/** One text for one or more reasons with the same pattern: the reason if all are equal, else the pattern. */
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

/** Describes cells by what they share, e.g. `16 cells of centos-7 on v1`; a single cell by its id. */
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
