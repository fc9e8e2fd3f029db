import { closest, distance } from 'fastest-levenshtein';

/** The nearest known word, when it is near enough to be a slip. */
export function suggest(word: string, known: readonly string[]): string | null {
  if (known.length === 0 || word.length > 64) return null;
  const best = closest(word.toLowerCase(), known);
  return distance(word.toLowerCase(), best) <= Math.max(2, Math.floor(best.length / 3)) ? best : null;
}
