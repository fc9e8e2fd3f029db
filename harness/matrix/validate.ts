import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { Problem } from './finding.ts';
import { find, follow, type Node } from './locate.ts';
import { isNumber, type Placed } from './parse.ts';
import { matrixSchema, type RawMatrix } from './schema.ts';

/** The nearest known word, when it is near enough to be a slip. */
export function suggest(word: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const best = closest(word.toLowerCase(), [...known]);
  return distance(word.toLowerCase(), best) <= Math.max(2, Math.floor(best.length / 3)) ? best : null;
}

/** The parts of a matrix that have the right shape, and a problem for everything that has not. */
export function validate(
  value: unknown,
  root: Node | undefined,
): { raw: Partial<RawMatrix>; problems: Placed[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const got = value === undefined || value === null ? 'an empty file' : describe(value);
    return {
      raw: {},
      problems: [{ offset: 0, problem: { code: 'wrong-type', expected: 'a mapping of keys', got } }],
    };
  }
  const result = matrixSchema.safeParse(value);
  if (result.success) return { raw: result.data, problems: [] };
  const problems = result.error.issues.flatMap((issue) => toProblems(issue, { root, value }));
  const broken = new Set(result.error.issues.map(({ path }) => path[0]));
  const sound = Object.entries(value).filter(
    ([key]) => Object.hasOwn(matrixSchema.shape, key) && !broken.has(key),
  );
  return { raw: Object.fromEntries(sound) as Partial<RawMatrix>, problems };
}

interface Context {
  readonly root: Node | undefined;
  readonly value: unknown;
}

type Issue = z.core.$ZodIssue;

function toProblems(issue: Issue, { root, value }: Context): Placed[] {
  const { path } = issue;
  const at = (key?: string): number => find(root, path, key)?.offset ?? 0;
  const got = valueAt(value, path);
  const one = (problem: Problem): Placed[] => [{ offset: at(), problem }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        offset: at(key),
        problem: { code: 'unknown-key', key, known: knownKeys(path), like: suggest(key, knownKeys(path)) },
      }));
    case 'invalid_type':
      if (got === undefined) return one({ code: 'missing-key', key: String(path.at(-1)) });
      return one(typeProblem(issue.expected, got, find(root, path)));
    case 'invalid_value': {
      const known = issue.values.map(String);
      if (got === undefined) return one({ code: 'missing-key', key: String(path.at(-1)) });
      if (typeof got !== 'string')
        return one({ code: 'wrong-type', expected: `one of ${known.join(', ')}`, got: describe(got) });
      return one({ code: 'unknown-name', name: got, known, like: suggest(got, known) });
    }
    case 'too_small':
      if (issue.origin === 'array') return one({ code: 'empty', what: `"${String(path.at(-1))}"` });
      return one({ code: 'bad-value', expected: `at least ${issue.minimum}`, got: describe(got) });
    case 'too_big':
      return one({ code: 'bad-value', expected: `at most ${issue.maximum}`, got: describe(got) });
    case 'invalid_format':
      return one({ code: 'bad-value', expected: issue.message, got: describe(got) });
    case 'invalid_key': {
      const key = String(path.at(-1));
      const offset = find(root, path.slice(0, -1), key)?.offset ?? 0;
      return [
        {
          offset,
          problem: { code: 'bad-value', expected: issue.issues[0]?.message ?? 'a name', got: describe(key) },
        },
      ];
    }
    case 'invalid_union': {
      // a selector: one name, or a list of them; the branch that fits the value tells what is wrong
      const branch = issue.errors[Array.isArray(got) ? 1 : 0] ?? [];
      return branch.flatMap((inner) =>
        toProblems({ ...inner, path: [...path, ...inner.path] }, { root, value }),
      );
    }
    case 'custom':
    case 'invalid_element':
    case 'not_multiple_of':
      return one({ code: 'bad-value', expected: issue.message, got: describe(got) });
  }
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  array: 'a list',
  object: 'a mapping of keys',
  record: 'a mapping of names',
};

function typeProblem(expected: string, got: unknown, node: Node | undefined): Problem {
  const scalar = follow(node);
  if (expected === 'string' && scalar?.kind === 'scalar' && scalar.plain && isNumber(scalar.text)) {
    return { code: 'unquoted', text: scalar.text, read: String(got) };
  }
  return { code: 'wrong-type', expected: words[expected] ?? expected, got: describe(got) };
}

/** A value as it is quoted to people, cut short. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return `${typeof value === 'string' ? '' : `the ${typeof value} `}${JSON.stringify(value).slice(0, 80)}`;
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

/** The keys the schema knows where a path leads. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  const { distros, strategies, exclude, expect } = matrixSchema.shape;
  const inner = { distros: distros.valueType, strategies: strategies.valueType };
  const top = path[0];
  if (top === 'distros' || top === 'strategies') return Object.keys(inner[top].shape);
  if (top === 'exclude') return Object.keys(exclude.unwrap().element.shape);
  if (top === 'expect') return Object.keys(expect.unwrap().element.shape);
  return Object.keys(matrixSchema.shape);
}
