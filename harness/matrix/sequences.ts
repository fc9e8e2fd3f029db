import { stepsStrategy, type RawSequence } from './sequence.ts';
import {
  groupDetails,
  processDetails,
  verbNames,
  verbs,
  type Detail,
  type RawStep,
  type Verb,
} from './steps.ts';
import type { RawMatrix } from './schema.ts';
import type { Pointed, Validated } from './validate.ts';

/** Checks the sequences of a matrix, which match the schema, for consistency. */
export function checkSequences({ raw }: Validated): Pointed[] {
  return [
    ...checkTaken(raw),
    ...Object.entries(raw.sequences ?? {}).flatMap(([name, sequence]) => [
      ...checkCgroups(name, sequence, raw),
      ...checkSteps(sequence.steps).map((one) => ({
        ...one,
        path: ['sequences', name, 'steps', ...one.path],
      })),
    ]),
  ];
}

/** Workloads and strategies need each other, and both are needed if there are no sequences. */
export function checkEither(given: Validated['given']): Pointed[] {
  const has = (key: string): boolean => given[key] !== undefined;
  if (has('sequences') && !has('workloads') && !has('strategies')) return [];
  return ['workloads', 'strategies']
    .filter((key) => !has(key))
    .map((key) => ({ path: [key], problem: { code: 'missing-key', key } }));
}

/** Sequences share the axis of workloads, and `steps` that of strategies: the names must not clash. */
function checkTaken({ sequences = {}, workloads = [], strategies = {} }: Partial<RawMatrix>): Pointed[] {
  const twice = Object.keys(sequences)
    .filter((name) => (workloads as readonly string[]).includes(name))
    .map((name): Pointed => ({ path: ['sequences'], key: name, problem: { code: 'duplicate', name } }));
  if (!Object.hasOwn(strategies, stepsStrategy)) return twice;
  const text = `"${stepsStrategy}" stands for the steps of sequences. Give the strategy another name.`;
  return [...twice, { path: ['strategies'], key: stepsStrategy, problem: { code: 'pointless', text } }];
}

function checkCgroups(name: string, { cgroups }: RawSequence, raw: Partial<RawMatrix>): Pointed[] {
  const all = raw.cgroups;
  if (cgroups === undefined || all === undefined || cgroups.some((one) => all.includes(one))) return [];
  const text = `This sequence is for cgroup ${cgroups.join(' and ')}, which the matrix does not have.`;
  return [{ path: ['sequences', name, 'cgroups'], problem: { code: 'pointless', text } }];
}

/** Names introduced by the steps so far. */
interface Known {
  readonly groups: Set<string>;
  readonly processes: Set<string>;
}

function checkSteps(steps: readonly RawStep[]): Pointed[] {
  const known: Known = { groups: new Set(), processes: new Set() };
  return steps.flatMap((step, i) => {
    const [verb, ...more] = verbNames.filter((one) => step[one] !== undefined);
    if (verb === undefined) return [pointless(i, `This step has no verb. Verbs: ${verbNames.join(', ')}.`)];
    if (more.length > 0)
      return [pointless(i, `A step has one verb; this one has ${[verb, ...more].join(' and ')}.`)];
    const problems = [...checkDetails(i, step, verb), ...checkNames(i, step, { verb, known })];
    // a removed group can be made again; one whose removal is expected to fail still exists
    if (verb === 'group') known.groups.add(step.group!);
    if (verb === 'remove' && step.fails === undefined) known.groups.delete(step.remove!);
    if (verb === 'start') known.processes.add(step.start!);
    return problems;
  });
}

const pointless = (step: number, text: string): Pointed => ({
  path: [step],
  problem: { code: 'pointless', text },
});

function checkDetails(i: number, step: RawStep, verb: Verb): Pointed[] {
  const { details, needs }: { details: readonly string[]; needs: readonly string[] } = verbs[verb];
  const has = Object.keys(step).filter((key) => key !== verb);
  const strange = has
    .filter((key) => !details.includes(key))
    .map((key): Pointed => ({ path: [i], key, problem: { code: 'unknown-key', key, known: details } }));
  const missing = needs
    .filter((key) => !has.includes(key))
    .map((key): Pointed => ({ path: [i, key], problem: { code: 'missing-key', key } }));
  if (verb === 'expect' && has.every((key) => key === 'within'))
    return [...strange, pointless(i, 'This step expects nothing. Name a state, a letter or another detail.')];
  if (verb === 'start' && (step.as === 'nap') !== (step.for !== undefined))
    return [
      ...strange,
      ...missing,
      pointless(i, '`for` says how long a nap is; both or neither are needed.'),
    ];
  if (verb === 'start' && step.as === 'self-freeze' && step.in === undefined)
    return [...strange, ...missing, pointless(i, 'self-freeze needs `in`, the group that it freezes.')];
  return [...strange, ...missing];
}

/** Groups and processes must exist before a step can name them, and their names must be unique. */
function checkNames(i: number, step: RawStep, { verb, known }: { verb: Verb; known: Known }): Pointed[] {
  const { groups, processes } = known;
  const name = step[verb]!;
  const look = (key: Detail | Verb, among: ReadonlySet<string>): Pointed[] => {
    const value = step[key] as string | undefined;
    if (value === undefined || among.has(value)) return [];
    return [{ path: [i, key], problem: { code: 'unknown-name', name: value, known: [...among] } }];
  };
  const places = (['in', 'to', 'longerThan'] as const).flatMap((key) => look(key, groups));
  const again = (): Pointed[] =>
    groups.has(name) || processes.has(name)
      ? [{ path: [i, verb], problem: { code: 'duplicate', name } }]
      : [];
  switch (verbs[verb].names) {
    case 'new group': {
      const parent = name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : null;
      if (parent === null || groups.has(parent)) return again();
      const problem = { code: 'unknown-name', name: parent, known: [...groups] } as const;
      return [{ path: [i, verb], problem }];
    }
    case 'new process':
      return [...places, ...again()];
    case 'group':
      return look(verb, groups);
    case 'process':
      return [...places, ...look(verb, processes)];
    case 'any':
      return [...places, ...look(verb, new Set([...groups, ...processes])), ...checkSubject(i, step, known)];
    case 'text':
    case 'time':
      return places;
  }
}

/** A group has no state letter, and a process no freezer. */
function checkSubject(i: number, step: RawStep, { groups, processes }: Known): Pointed[] {
  const { expect } = step;
  if (expect === undefined) return [];
  const wrong = groups.has(expect) ? processDetails : processes.has(expect) ? groupDetails : [];
  const what = groups.has(expect) ? 'group' : 'process';
  return Object.keys(step)
    .filter((key) => (wrong as readonly string[]).includes(key))
    .map((key) => {
      const problem = {
        code: 'pointless',
        text: `"${expect}" is a ${what}, of which \`${key}\` says nothing.`,
      } as const;
      return { path: [i], key, problem };
    });
}
