const units = { us: 1, ms: 1000, s: 1_000_000, m: 60_000_000 } as const;

/** A number with a unit: `10s`, `100ms`, `10us`, `2m`. */
export const durationPattern = /^(\d+(?:\.\d+)?)(us|ms|s|m)$/;

/** The microseconds of a duration that matches `durationPattern`. */
export function parseDuration(text: string): number {
  const [, number, unit] = durationPattern.exec(text) ?? [];
  return Math.round(Number(number) * units[unit as keyof typeof units]);
}
