/** Something wrong with a matrix; `line` and `column` count from 1. */
export type Finding = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Keys and indices that lead to it, e.g. `distros.debian-12.kernel`. */
  readonly path: string;
} & Problem;

/** What is wrong, as data; `explain` puts it into words. */
export type Problem =
  | { readonly code: 'unreadable'; readonly reason: string }
  | { readonly code: 'yaml'; readonly reason: string }
  | {
      readonly code: 'unknown-key';
      readonly key: string;
      readonly known: readonly string[];
      readonly like: string | null;
    }
  | { readonly code: 'missing-key'; readonly key: string }
  | { readonly code: 'wrong-type'; readonly expected: string; readonly got: string }
  | { readonly code: 'unquoted'; readonly text: string; readonly read: string }
  | {
      readonly code: 'unknown-name';
      readonly name: string;
      readonly known: readonly string[];
      readonly like: string | null;
    }
  | { readonly code: 'bad-value'; readonly expected: string; readonly got: string }
  | { readonly code: 'duplicate'; readonly name: string }
  | { readonly code: 'empty'; readonly what: string }
  | { readonly code: 'matches-nothing'; readonly what: string }
  | { readonly code: 'pointless'; readonly text: string };

const list = (words: readonly string[]): string =>
  words.length > 12 ? `${words.slice(0, 12).join(', ')} ...` : words.join(', ');
const like = (name: string | null): string => (name === null ? '' : ` Did you mean "${name}"?`);

/** What is wrong, what was expected, what to do: one or two sentences. */
export function explain(problem: Problem): string {
  switch (problem.code) {
    case 'unreadable':
      return problem.reason;
    case 'yaml':
      return `This is not YAML: ${problem.reason}.`;
    case 'unknown-key':
      return `Unknown key "${problem.key}".${like(problem.like)} Known here: ${list(problem.known)}.`;
    case 'missing-key':
      return `The key "${problem.key}" is missing.`;
    case 'wrong-type':
      return `Expected ${problem.expected}, got ${problem.got}.`;
    case 'unquoted':
      return `YAML reads ${problem.text} as the number ${problem.read}; text was expected. Quote it: "${problem.text}".`;
    case 'unknown-name':
      return `Unknown name "${problem.name}".${like(problem.like)} Known: ${list(problem.known)}.`;
    case 'bad-value':
      return `Expected ${problem.expected}, got ${problem.got}.`;
    case 'duplicate':
      return `"${problem.name}" is given twice. Remove one.`;
    case 'empty':
      return `${problem.what} is empty: at least one is needed.`;
    case 'matches-nothing':
      return `${problem.what} matches no cell of this matrix. Correct or remove it.`;
    case 'pointless':
      return problem.text;
  }
}
