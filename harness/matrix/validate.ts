import type { z } from 'zod';
import type { Problem } from './finding.ts';
import { find, follow, type Node } from './locate.ts';
import { readAs } from './parse.ts';
import { checkEither } from './sequences.ts';
import { knownKeys, matrixSchema, nameExpected, type RawMatrix } from './schema.ts';
import { driverNames } from './ways.ts';
import { workloadNames } from './workloads.ts';

/** A problem at the value that a path of keys leads to, or at the token of `key` in that value. */
export interface Pointed {
  readonly path: readonly PropertyKey[];
  readonly key?: string;
  readonly problem: Problem;
}

/** The parts of a document that match the schema, and a problem for everything that does not. */
export interface Validated {
  /** Without invalid keys, distros, strategies and sequences; an invalid exclude, expect or contrast is `{}`. */
  readonly raw: Partial<RawMatrix>;
  /** All keys as given. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly problems: readonly Pointed[];
}

/** Validates the value of a document against the schema of a matrix. */
export function validate(value: unknown, root: Node | undefined): Validated {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const got = value === undefined || value === null ? 'an empty file' : describe(value);
    const problem: Problem = { code: 'wrong-type', expected: 'a mapping of keys', got };
    return { raw: {}, given: {}, problems: [{ path: [], problem }] };
  }
  const given = value as Readonly<Record<string, unknown>>;
  const result = matrixSchema.safeParse(value);
  const issues = result.error?.issues ?? [];
  const problems = [
    ...issues.flatMap((issue) => toProblems(issue, { root, value })),
    ...checkProto(given),
    ...checkEither(given),
  ];
  return { raw: soundParts(given, issues), given, problems };
}

const proto = '__proto__';
/** Keys whose values are mappings by name: an invalid entry does not invalidate the others. */
const named: readonly string[] = ['distros', 'strategies', 'sequences'];

/** Rejects `__proto__` as a name, which the schema silently ignores. */
function checkProto(given: Readonly<Record<string, unknown>>): Pointed[] {
  const problem: Problem = { code: 'bad-value', expected: nameExpected, got: describe(proto) };
  return named.flatMap((axis) => {
    const of = given[axis];
    return typeof of === 'object' && of !== null && Object.hasOwn(of, proto)
      ? [{ path: [axis], key: proto, problem }]
      : [];
  });
}

function soundParts(given: Readonly<Record<string, unknown>>, issues: readonly Issue[]): Partial<RawMatrix> {
  const broken = new Map<PropertyKey, Set<PropertyKey | undefined>>();
  for (const { path } of issues) {
    const parts = broken.get(path[0] ?? '') ?? new Set();
    broken.set(path[0] ?? '', parts.add(path[1]));
  }
  const sound = Object.entries(given).flatMap(([key, value]): [string, unknown][] => {
    const parts = broken.get(key) ?? new Set();
    if (!Object.hasOwn(matrixSchema.shape, key) || parts.has(undefined)) return [];
    if (named.includes(key)) {
      const isSound = ([name]: [string, unknown]): boolean => !parts.has(name) && name !== proto;
      return [[key, Object.fromEntries(Object.entries(value as object).filter(isSound))]];
    }
    if (parts.size === 0) return [[key, value]];
    if (key === 'exclude' || key === 'expect' || key === 'contrasts')
      return [[key, (value as readonly unknown[]).map((one, i) => (parts.has(i) ? {} : one))]];
    return [];
  });
  return Object.fromEntries(sound) as Partial<RawMatrix>;
}

interface Context {
  readonly root: Node | undefined;
  readonly value: unknown;
}

type Issue = z.core.$ZodIssue;

function toProblems(issue: Issue, context: Context): Pointed[] {
  const { path } = issue;
  const got = valueAt(context.value, path);
  const one = (problem: Problem): Pointed[] => [{ path, problem }];
  const missing = (): Pointed[] => one({ code: 'missing-key', key: String(path.at(-1)) });
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(path, valueAt(context.value, [...path, 'driver']));
      return issue.keys.map((key) => ({ path, key, problem: { code: 'unknown-key', key, known } }));
    }
    case 'invalid_type':
      return got === undefined ? missing() : one(typeProblem(issue, got, find(context.root, path)));
    case 'invalid_value': {
      const known = issue.values.map(String);
      if (got === undefined) return missing();
      if (typeof got !== 'string')
        return one({ code: 'wrong-type', expected: `one of ${known.join(', ')}`, got: describe(got) });
      return one({ code: 'unknown-name', name: got, known });
    }
    case 'too_small':
      if (issue.origin === 'array') return one({ code: 'empty', what: `"${String(path.at(-1))}"` });
      return one({ code: 'bad-value', expected: `at least ${issue.minimum}`, got: describe(got) });
    case 'too_big': {
      // an integer beyond 2^53 also exceeds the schema's own bound, which is reported instead
      if (issue.maximum === Number.MAX_SAFE_INTEGER) return [];
      const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : '';
      return one({ code: 'bad-value', expected: `at most ${issue.maximum}${unit}`, got: describe(got) });
    }
    case 'invalid_key': {
      const key = String(path.at(-1));
      const expected = issue.issues[0]?.message ?? nameExpected;
      return [{ path: path.slice(0, -1), key, problem: { code: 'bad-value', expected, got: describe(key) } }];
    }
    case 'invalid_union': {
      // the driver is missing or unknown
      if (issue.errors.length === 0)
        return got === undefined
          ? [...missing(), ...unknownIn(context.value, path)]
          : one(unknownDriver(got));
      // a selector is a name or a list of names; a distro is a way or has `ways`; trials is a number or says how to
      // choose it. Report the problems of the branch that was meant
      const isSecond =
        Array.isArray(got) || hasWays(got) || (path[0] === 'trials' && typeof got === 'object');
      const isWorkload = path[0] === 'workloads' && path.length === 2;
      const at = isWorkload ? entryBranch(got) : Number(isSecond);
      const branch = issue.errors[at] ?? [];
      return branch.flatMap((inner) => toProblems({ ...inner, path: [...path, ...inner.path] }, context));
    }
    case 'invalid_format':
    case 'custom':
    case 'invalid_element':
    case 'not_multiple_of':
      return one({ code: 'bad-value', expected: issue.message, got: describe(got) });
  }
}

/** The union branch that an entry of `workloads` meant: a name, a variant by name, or a workload with parameters. */
const entryBranch = (got: unknown): number =>
  typeof got === 'object'
    ? 2
    : Number(workloadNames.some((name) => typeof got === 'string' && got.startsWith(`${name}:`)));

const hasWays = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'ways');

/** Unknown keys beside a missing driver: the schema then checks no others, and one may be a misspelt `driver`. */
function unknownIn(value: unknown, path: readonly PropertyKey[]): Pointed[] {
  const entry = path.slice(0, -1);
  const known = knownKeys(entry);
  return Object.keys(valueAt(value, entry) as object)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: entry, key, problem: { code: 'unknown-key', key, known } }));
}

const unknownDriver = (got: unknown): Problem =>
  typeof got === 'string'
    ? { code: 'unknown-name', name: got, known: driverNames }
    : { code: 'wrong-type', expected: `one of ${driverNames.join(', ')}`, got: describe(got) };

const words: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a whole number',
  array: 'a list',
  object: 'a mapping of keys',
  record: 'a mapping of names',
};

function typeProblem(issue: Extract<Issue, { code: 'invalid_type' }>, got: unknown, node?: Node): Problem {
  const { expected, message } = issue;
  // a message of our own means that quoting the value would not make it valid
  if (!message.startsWith('Invalid input'))
    return { code: 'bad-value', expected: message, got: describe(got) };
  const scalar = follow(node);
  const read =
    expected === 'string' && scalar?.kind === 'scalar' && scalar.plain ? readAs(scalar.text) : null;
  if (read !== null && scalar?.kind === 'scalar') return { code: 'unquoted', text: scalar.text, read };
  return { code: 'wrong-type', expected: words[expected] ?? expected, got: describe(got) };
}

/** A value as messages quote it, truncated. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  if (typeof value !== 'string') return Array.isArray(value) ? 'a list' : 'a mapping';
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const part of path) {
    at =
      typeof at === 'object' && at !== null && Object.hasOwn(at, part)
        ? (at as Record<PropertyKey, unknown>)[part]
        : undefined;
  }
  return at;
}
