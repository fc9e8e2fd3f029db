import type { z } from 'zod';
import { durationPattern, parseDuration } from './duration.ts';
import { text } from './text.ts';

/** Measures of a cell that are a share (0 to 1) of something, with their descriptions. */
const shares = {
  rate: 'Share of the counted trials that froze, or of a sequence passed',
  casualties: 'Share of the thaws after which a process was dead or never ran again',
  thawed: 'Share of the thaws that brought all processes back in time',
  crashes: 'Share of the trials in which the kernel crashed or hung',
  done: "Share of the trials in which the strategy's program did all it was to do",
} as const;
export type ShareName = keyof typeof shares;

/** Quantiles of the time to FROZEN; a trial that did not freeze counts as slower than any that did. */
export const quantiles = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const;
export type QuantileName = keyof typeof quantiles;

export type Measure = ShareName | QuantileName;
export const isQuantile = (of: Measure): of is QuantileName => Object.hasOwn(quantiles, of);

const measures = [...Object.keys(shares), ...Object.keys(quantiles)] as readonly Measure[];

/** A bound that a measure of a cell must meet. */
export interface Bound {
  readonly of: Measure;
  readonly op: '>=' | '<=' | '==' | '>' | '<';
  /** A share from 0 to 1, or microseconds for a quantile. */
  readonly value: number;
  /** As it was written, e.g. `<= 500ms`. */
  readonly text: string;
}

const operator = /^(>=|<=|==|>|<)\s*(.+)$/;
const sharePattern = /^(>=|<=|==|>|<)\s*(0(\.\d+)?|1(\.0+)?)$/;
const timePattern = new RegExp(`^(>=|<=|>|<)\\s*(${durationPattern.source.slice(1, -1)})$`);

const share = (what: string): z.ZodOptional<z.ZodString> =>
  text(sharePattern, 'a comparison such as ">= 0.99"')
    .optional()
    .describe(`${what}: >=, >, ==, < or <=, and a number from 0 to 1`);
const time = (what: string): z.ZodOptional<z.ZodString> =>
  text(timePattern, 'a comparison such as "<= 500ms"')
    .optional()
    .describe(`${what} of the time to FROZEN: <=, <, > or >=, and a duration`);

/** The keys of an expectation besides its selector. */
export const boundsShape = {
  rate: share(shares.rate),
  casualties: share(shares.casualties),
  thawed: share(shares.thawed),
  crashes: share(shares.crashes),
  done: share(shares.done),
  p50: time('Median'),
  p90: time('90th percentile'),
  p95: time('95th percentile'),
  p99: time('99th percentile'),
} satisfies Record<Measure, z.ZodOptional<z.ZodString>>;

type RawBounds = Readonly<Partial<Record<Measure, string | undefined>>>;

export const expectsSomething = (raw: RawBounds): boolean => measures.some((of) => raw[of] !== undefined);
export const expectsSomethingText = `at least one of ${measures.join(', ')}`;

/** The bounds of a valid expectation, in the order of the measures. */
export function toBounds(raw: RawBounds): Bound[] {
  return measures.flatMap((of): Bound[] => {
    const written = raw[of];
    if (written === undefined) return [];
    const [, op, value] = operator.exec(written) ?? [];
    const number = isQuantile(of) ? parseDuration(value!) : Number(value);
    return [{ of, op: op as Bound['op'], value: number, text: written }];
  });
}
