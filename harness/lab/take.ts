import { FrostlineError, inOneLine } from '../errors.ts';
import type { Way } from '../matrix/matrix.ts';
import { wayWords } from '../matrix/ways.ts';
import type { Lab } from './lab.ts';

/** The first way that works on this host, and why those before it do not, in words. */
export interface Taken {
  readonly way: Way;
  readonly lab: Lab;
  readonly passedOver: readonly string[];
}

/** Prepares the first way that works. Rejects with the reasons when none does, or on abort. */
export async function takeWay(
  ways: readonly Way[],
  open: (way: Way) => Promise<Lab>,
  signal: AbortSignal,
): Promise<Taken> {
  const failures: { words: string; error: Error }[] = [];
  for (const way of ways) {
    try {
      const lab = await open(way);
      await lab.prepare(way);
      return { way, lab, passedOver: failures.map(({ words }) => words) };
    } catch (cause) {
      signal.throwIfAborted();
      const error = cause instanceof Error ? cause : new Error(String(cause));
      failures.push({ words: `${wayWords(way)}: ${inOneLine(error)}`, error });
    }
  }
  const [only, ...more] = failures;
  if (more.length === 0) throw only!.error;
  const all = failures.map(({ words }) => words).join(' ');
  throw new FrostlineError(`None of its ways is available. ${all}`, { code: 'machine', cause: only!.error });
}
