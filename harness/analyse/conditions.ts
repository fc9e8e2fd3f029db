import type { TrialRecord } from '../record/schema.ts';

/** What the rate of a cell hangs on besides its names: the machine's processors, the parameters of its workload. */
export type Conditions = Readonly<Record<string, string>>;

/** The conditions of a trial; records of before some were kept have fewer. */
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

/** What is not the same in two cells' trials, of what is known of both: `cpus 2, then 4`. Empty: their rates can be compared. */
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
