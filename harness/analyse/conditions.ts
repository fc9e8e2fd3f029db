import type { TrialRecord } from '../record/schema.ts';

/** What a cell's rate depends on besides its names: the machine's processors, the parameters of its workload. */
export type Conditions = Readonly<Record<string, string>>;

/** The conditions of a trial; old records have fewer. */
export function conditionsOf({
  guest,
  machine,
  parameters = {},
}: Pick<TrialRecord, 'guest' | 'machine' | 'parameters'>): Conditions {
  return {
    ...(guest === null ? {} : { cpus: String(guest.cpus) }),
    ...(machine.accel === null ? {} : { accel: machine.accel }),
    ...Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, String(value)])),
  };
}

/**
 * The conditions that differ between two cells, of those known for both: `cpus 2, then 4`. Empty: rates are comparable.
 */
export function otherConditions(base: readonly Conditions[], head: readonly Conditions[]): string[] {
  const [before, after] = [valuesOf(base), valuesOf(head)];
  return [...before].flatMap(([key, own]) => {
    const other = after.get(key);
    const [a, b] = [own, other ?? own].map((values) => [...values].sort().join(' and '));
    return a === b ? [] : [`${key} ${a}, then ${b}`];
  });
}

function valuesOf(all: readonly Conditions[]): Map<string, Set<string>> {
  const values = new Map<string, Set<string>>();
  for (const [key, value] of all.flatMap((one) => Object.entries(one)))
    values.set(key, (values.get(key) ?? new Set()).add(value));
  return values;
}
