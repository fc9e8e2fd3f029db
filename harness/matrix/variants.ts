import { z } from 'zod';
import {
  common,
  parametersOf,
  parseVariant,
  variantName,
  type Parameter,
  type Value,
  type Values,
} from './parameters.ts';
import { workloadNames, workloads, type WorkloadName } from './workloads.ts';

/** A name on the workload axis (a workload, a variant of one, or a sequence) or on the distro axis. */
export const variantPattern = /^[a-z0-9][a-z0-9._+:=-]{0,119}$/;

const values = (parameter: Parameter): z.ZodType<number | string> =>
  'of' in parameter ? z.enum(parameter.of) : z.int().min(parameter.min).max(parameter.max);

const several = (parameter: Parameter): z.ZodType =>
  z
    .union([values(parameter), z.array(values(parameter)).min(1)])
    .optional()
    .describe(parameter.summary);

const parametersSchema = (workload: WorkloadName): z.ZodType =>
  z.strictObject(
    Object.fromEntries(Object.entries(parametersOf(workload)).map(([key, one]) => [key, several(one)])),
  );

const withParameters = z
  .strictObject(
    Object.fromEntries(
      workloadNames.map((name) => [name, parametersSchema(name).optional().describe(workloads[name])]),
    ),
  )
  .refine((entry) => Object.keys(entry).length === 1, { error: 'one workload with its parameters' });

const variant = z.string().refine((name) => parseVariant(name) !== null, {
  error: 'a workload, or WORKLOAD:PARAMETER=VALUE with what that workload has',
  abort: true,
});

/** The schema of `load`. */
export const loadValues = values(common.load);

/** An entry of `workloads`: a name, a variant by name, or a workload with parameters, each with one or more values. */
export const workloadEntry = z.union([z.enum(workloadNames), variant, withParameters]);

/** The keys that the schema knows below `workloads`: the workloads of an entry, or the parameters of a workload. */
export function knownParameters(path: readonly PropertyKey[]): readonly string[] {
  const workload = workloadNames.find((name) => name === path[2]);
  return workload === undefined ? workloadNames : Object.keys(parametersOf(workload));
}

type Entry = z.infer<typeof workloadEntry>;
type Given = Readonly<Record<string, Value | readonly Value[] | undefined>>;

/** The names of entries on the workload axis, in order; `load` applies to entries that do not give one. */
export function namesOf(entries: readonly Entry[], load: Given[string]): string[] {
  return entries.flatMap((entry) => {
    const { workload, given } = readEntry(entry);
    return combinations({ load, ...given }).map((values) => variantName(workload, values));
  });
}

function readEntry(entry: Entry): { workload: WorkloadName; given: Given } {
  if (typeof entry === 'string') {
    const { workload, told } = parseVariant(entry)!;
    return { workload, given: told };
  }
  const [workload, given] = Object.entries(entry)[0]!;
  return { workload: workload as WorkloadName, given: given as Given };
}

/** All combinations of one value for each parameter. */
const combinations = (given: Given): Values[] =>
  Object.entries(given).reduce<Values[]>(
    (all, [key, value]) =>
      value === undefined
        ? all
        : all.flatMap((one) => [value].flat().map((single) => ({ ...one, [key]: single }))),
    [{}],
  );
