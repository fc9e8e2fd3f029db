import { parseDuration } from './duration.ts';
import type { StartGap } from './matrix.ts';

/** A range such as `0..60ms` or `5ms..1s`; a minimum without a unit has the unit of the maximum. */
export const gapPattern = /^(\d{1,5})(us|ms|s)?\.\.(\d{1,5})(us|ms|s)$/;
/** The longest gap that frostbite accepts. */
export const maxGapUs = 10_000_000;

/** Parses a text that matches `gapPattern`. */
export function parseGap(text: string): StartGap {
  const [, from = '', fromUnit, to = '', unit = ''] = gapPattern.exec(text) ?? [];
  return { fromUs: parseDuration(`${from}${fromUnit ?? unit}`), toUs: parseDuration(`${to}${unit}`) };
}
