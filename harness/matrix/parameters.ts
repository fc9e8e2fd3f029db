import { workloads, type WorkloadName } from './workloads.ts';

/** A parameter of a workload: a number in a range, or one of several words. */
export type Parameter =
  | { readonly summary: string; readonly default: number; readonly min: number; readonly max: number }
  | { readonly summary: string; readonly default: string; readonly of: readonly string[] };

type Parameters = Readonly<Record<string, Parameter>>;

export type Value = number | string;
export type Values = Readonly<Record<string, Value>>;

const loops = (own: number): Parameter => ({
  summary: 'processes, each with a loop of its own',
  ...{ default: own, min: 1, max: 16 },
});
const exec: Parameter = {
  summary: 'what is executed: frostbite itself, or a program of one page',
  ...{ default: 'self', of: ['self', 'tiny'] },
};
const threads = (own: number): Parameter => ({
  summary: 'threads of a process that executes',
  ...{ default: own, min: 2, max: 64 },
});

/** The parameters of every workload. */
export const common = {
  load: { summary: 'busy processes outside the group', default: 0, min: 0, max: 16 },
} satisfies Parameters;

const own: Partial<Record<WorkloadName, Parameters>> = {
  'fork-storm': { loops: loops(1) },
  'thread-storm': { loops: loops(1) },
  'exec-storm': { loops: loops(1) },
  'fork-exec-storm': { loops: loops(1), exec },
  'vfork-exec-storm': { loops: loops(4), exec },
  'mt-exec-storm': { loops: loops(1), threads: threads(8) },
  'mt-exec-once': { threads: threads(6) },
};

/** The parameters of a workload, in the order in which the names of its variants list them. */
export const parametersOf = (workload: WorkloadName): Parameters => ({ ...own[workload], ...common });

/** The name of a variant: `WORKLOAD`, then `:KEY=VALUE` for each value that differs from the default. */
export function variantName(workload: WorkloadName, values: Values): string {
  const told = Object.entries(parametersOf(workload)).flatMap(([key, parameter]) => {
    const value = values[key];
    return value === undefined || value === parameter.default ? [] : [`:${key}=${value}`];
  });
  return `${workload}${told.join('')}`;
}

/** The workload of a variant's name. */
export const workloadOf = (name: string): string => name.split(':', 1)[0]!;

/** A parsed name of a variant. */
export interface Variant {
  readonly workload: WorkloadName;
  /** The values that the name gives. */
  readonly told: Values;
  /** The values of all its parameters, defaults included. */
  readonly values: Values;
}

/** Parses a variant's name; null if there is no such workload, parameter or value. */
export function parseVariant(name: string): Variant | null {
  const [workload = '', ...words] = name.split(':');
  if (!Object.hasOwn(workloads, workload)) return null;
  const known = parametersOf(workload as WorkloadName);
  const told: Record<string, Value> = {};
  for (const one of words) {
    const [key = '', text] = one.split('=');
    const parameter = Object.hasOwn(known, key) ? known[key] : undefined;
    const value = parameter === undefined || text === undefined ? null : valueOf(parameter, text);
    if (value === null) return null;
    told[key] = value;
  }
  const own = Object.fromEntries(
    Object.entries(known).map(([key, one]): [string, Value] => [key, one.default]),
  );
  return { workload: workload as WorkloadName, told, values: { ...own, ...told } };
}

function valueOf(parameter: Parameter, text: string): Value | null {
  if ('of' in parameter) return parameter.of.includes(text) ? text : null;
  const value = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  return value >= parameter.min && value <= parameter.max ? value : null;
}
