import { suggest } from './suggest.ts';
import type { GapUse } from './workloads.ts';

/** Something wrong with a matrix; `line` and `column` count from 1. */
export type Finding = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The keys and indices that lead to it, e.g. `distros.debian-12.kernel`; empty for the whole file. */
  readonly path: string;
} & Problem;

/** What is wrong, as data; `explain` puts it into words. */
export type Problem =
  | { readonly code: 'unreadable'; readonly reason: string }
  | { readonly code: 'yaml'; readonly reason: string }
  | { readonly code: 'unknown-key'; readonly key: string; readonly known: readonly string[] }
  | { readonly code: 'missing-key'; readonly key: string }
  | { readonly code: 'wrong-type'; readonly expected: string; readonly got: string }
  | { readonly code: 'unquoted'; readonly text: string; readonly read: string }
  | { readonly code: 'unknown-name'; readonly name: string; readonly known: readonly string[] }
  | { readonly code: 'bad-value'; readonly expected: string; readonly got: string }
  | { readonly code: 'duplicate'; readonly name: string }
  | { readonly code: 'empty'; readonly what: string }
  | { readonly code: 'matches-nothing'; readonly what: string }
  | { readonly code: 'pointless'; readonly text: string }
  | {
      readonly code: 'missing-file';
      readonly what:
        | 'kernel image'
        | 'folder of modules'
        | 'kernel package'
        | 'private key'
        | 'box'
        | 'image';
      readonly at: string;
    }
  /** Exactly one of two keys is needed; `both` or neither is given. */
  | { readonly code: 'either'; readonly keys: readonly [string, string]; readonly both: boolean }
  /** A key that has no effect together with another. */
  | { readonly code: 'not-with'; readonly key: string; readonly other: string; readonly why: string }
  /** A workload that cannot be frozen at a random moment (`startGap`), at all or in a container. */
  | { readonly code: 'no-gap'; readonly workload: string; readonly use: GapUse }
  | { readonly code: 'needs-userland'; readonly distro: string; readonly runtime: string }
  /** A warning: a strategy that can be used with none of the runtimes of the matrix. */
  | { readonly code: 'unused-tool'; readonly name: string; readonly runtimes: readonly string[] }
  /** A warning: a strategy that exists for none of the cgroup versions of the matrix. */
  | { readonly code: 'unused-strategy'; readonly name: string; readonly formsFor: readonly string[] };

const list = (words: readonly string[]): string =>
  words.length > 12 ? `${words.slice(0, 12).join(', ')} ...` : words.join(', ');

/** Suggests a similar word, then lists the known ones; a single one such as `none` would read as "there are none". */
function known(word: string, words: readonly string[], where: string): string {
  const near = suggest(word, words);
  const meant = near === null ? '' : ` Did you mean "${near}"?`;
  return `${meant} ${words.length === 1 ? `Only "${words[0]}" is known` : `Known${where}: ${list(words)}`}.`;
}

/** One or two sentences: what is wrong, what was expected, what to do. */
export function explain(problem: Problem): string {
  switch (problem.code) {
    case 'unreadable':
      return problem.reason;
    case 'yaml':
      return `This YAML cannot be a matrix: ${problem.reason}.`;
    case 'unknown-key':
      return `Unknown key "${problem.key}".${known(problem.key, problem.known, ' here')}`;
    case 'missing-key':
      return `The key "${problem.key}" is missing.`;
    case 'wrong-type':
    case 'bad-value':
      return `Expected ${problem.expected}, got ${problem.got}.`;
    case 'unquoted':
      return `YAML reads ${problem.text} as ${problem.read}; text was expected. Quote it: "${problem.text}".`;
    case 'unknown-name':
      return `Unknown name "${problem.name}".${known(problem.name, problem.known, '')}`;
    case 'duplicate':
      return `"${problem.name}" is given twice. Remove one.`;
    case 'empty':
      return `${problem.what} is empty: at least one is needed.`;
    case 'matches-nothing':
      return `${problem.what} matches no cell of this matrix. Correct or remove it.`;
    case 'pointless':
      return problem.text;
    case 'missing-file':
      return `There is no ${problem.what} ${problem.at}. A relative path starts at the folder of the matrix.`;
    case 'either':
      return problem.both
        ? `"${problem.keys[0]}" and "${problem.keys[1]}" are given. Remove one.`
        : `"${problem.keys[0]}" or "${problem.keys[1]}" is needed.`;
    case 'not-with':
      return `"${problem.key}" means nothing with "${problem.other}": ${problem.why}. Remove it.`;
    case 'no-gap':
      return problem.use === 'never'
        ? `"${problem.workload}" cannot be frozen at a random moment: its start acts on processes that are in their state. Remove it, or startGap.`
        : `"${problem.workload}" cannot be frozen at a random moment in a container: its start acts on processes, which are not there yet. Exclude it from containers, or remove startGap.`;
    case 'needs-userland':
      return `"${problem.distro}" has cells with the runtime ${problem.runtime}, and no userland to take it from. Add one, such as userland: "deb:trixie", or exclude them.`;
    case 'unused-tool':
      return `No cell uses "${problem.name}": its tool is for the runtime ${problem.runtimes.join(' or ')}. Add that to runtimes, or remove the strategy.`;
    case 'unused-strategy':
      return `No cell uses "${problem.name}": it exists for cgroup ${problem.formsFor.join(' and ')} only. Add that to cgroups, or remove the strategy.`;
  }
}
