import { closest, distance } from 'fastest-levenshtein';

/** The known word most similar to `word`, if similar enough for `word` to be a typo; else null. */
export function suggest(word: string, known: readonly string[]): string | null {
  if (known.length === 0 || word.length > 64) return null;
  const best = closest(word.toLowerCase(), known);
  return distance(word.toLowerCase(), best) <= Math.max(2, Math.floor(best.length / 3)) ? best : null;
}
