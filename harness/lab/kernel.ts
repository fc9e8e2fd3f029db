import { z } from 'zod';

/** Kinds of problems that a kernel reports on its console or in its log, most significant first. */
export const factKinds = ['panic', 'lockup', 'oops', 'rcu-stall', 'hung-task', 'oom', 'warning'] as const;

/** A kernel message that reports a problem. */
export interface KernelFact {
  readonly kind: (typeof factKinds)[number];
  readonly line: string;
}

/** Their wording (kernel/panic.c, watchdog.c, hung_task.c, lib/bug.c; lockdep and RCU word warnings differently). */
const patterns: readonly (readonly [KernelFact['kind'], RegExp])[] = [
  ['panic', /Kernel panic - not syncing/],
  ['lockup', /BUG: soft lockup|[Hh]ard LOCKUP|hard lockup/],
  ['oops', /\bOops:|kernel BUG at|BUG: (?:unable to handle|kernel NULL)|general protection fault/],
  ['rcu-stall', /rcu.*(?:self-)?detected (?:expedited )?stall/],
  ['hung-task', /INFO: task .* blocked (?:in I\/O wait )?for more than/],
  ['oom', /Out of memory: Kill|out of memory: Kill|oom-kill:/],
  ['warning', /WARNING: (?:CPU|possible|suspicious|inconsistent|\S+\.[ch]:\d+ at)/],
];

/** The facts in a log, in the order they were printed; at most 50, each line cut at 300 characters. */
export function readFacts(log: string): KernelFact[] {
  const facts: KernelFact[] = [];
  for (const line of log.split('\n')) {
    const kind = patterns.find(([, pattern]) => pattern.test(line))?.[0];
    if (kind !== undefined) facts.push({ kind, line: line.trim().slice(0, 300) });
    if (facts.length === 50) break;
  }
  return facts;
}

/** The lines of a log with a timestamp after `us` (microseconds on the kernel's clock) or with none. */
export function linesAfter(log: string, us: number): string {
  const isAfter = (line: string): boolean => {
    const [, seconds, fraction] = /^\[ *(\d+)\.(\d{6})\]/.exec(line) ?? [];
    return seconds === undefined || Number(seconds) * 1e6 + Number(fraction) > us;
  };
  return log.split('\n').filter(isAfter).join('\n');
}

/** The message without its bracketed prefixes: a console and a log prefix the same line differently. */
const wordsOf = ({ line }: KernelFact): string => line.replace(/^(?:\[[^\]]*\] *)+/, '');

/** Merges the facts of two sources that cover the same time, without duplicates. */
export function mergeFacts(first: readonly KernelFact[], second: readonly KernelFact[]): KernelFact[] {
  const known = new Set(first.map(wordsOf));
  return [...first, ...second.filter((fact) => !known.has(wordsOf(fact)))];
}

/** Facts of one kind: the first line, and how many there were. */
export const factSchema = z.object({
  kind: z.enum(factKinds),
  line: z.string(),
  count: z.int().positive(),
});
export type FactCount = z.infer<typeof factSchema>;

/** Facts grouped by kind, in the order in which each kind first occurs. */
export function countFacts(facts: readonly KernelFact[]): FactCount[] {
  const counts = new Map<KernelFact['kind'], FactCount>();
  for (const { kind, line } of facts) {
    const known = counts.get(kind);
    counts.set(kind, known === undefined ? { kind, line, count: 1 } : { ...known, count: known.count + 1 });
  }
  return [...counts.values()];
}
