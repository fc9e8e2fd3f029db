import { constructFromEvents, CORE_SCHEMA, parseEvents, YAMLException } from 'js-yaml';
import type { Problem } from './finding.ts';
import { compose, type Mapping, type Node } from './locate.ts';

/** Limit on aliases: a matrix hardly needs any, and a YAML bomb needs many. */
const maxAliases = 100;
const maxDepth = 20;

/** The value of a YAML text, and the tree with the position of each part. */
export interface Parsed {
  readonly value: unknown;
  readonly root: Node | undefined;
}

/** A problem and its position in the text. */
export interface Placed {
  readonly offset: number;
  readonly path: readonly PropertyKey[];
  readonly problem: Problem;
}

/** Parses YAML text. A syntax error ends the parsing (`parsed` is null); problems with keys are collected. */
export function parseYaml(text: string): { parsed: Parsed | null; problems: Placed[] } {
  const syntax = (offset: number, reason: string): { parsed: null; problems: Placed[] } => ({
    parsed: null,
    problems: [{ offset, path: [], problem: { code: 'yaml', reason } }],
  });
  const nul = text.indexOf('\0');
  if (nul >= 0) return syntax(nul, 'it holds a NUL byte, so it is a binary file');
  try {
    const events = parseEvents(text, { maxDepth });
    const root = compose(text, events);
    const { problems, complex } = root === undefined ? { problems: [], complex: null } : oddKeys(root);
    if (complex !== null) return syntax(complex, 'a key is a list, a mapping or an alias; text is expected');
    const options = { source: text, schema: CORE_SCHEMA, json: true, maxAliases };
    const documents = constructFromEvents(events, options);
    if (documents.length > 1)
      return syntax(text.lastIndexOf('\n---') + 1, 'it holds several documents; one is expected');
    return { parsed: { value: documents[0], root }, problems };
  } catch (error) {
    if (error instanceof YAMLException) return syntax(error.mark?.position ?? 0, error.reason);
    return syntax(0, error instanceof Error ? error.message : String(error));
  }
}

/** Finds duplicate keys, keys that YAML does not read as text (6.10 becomes 6.1), and the first non-scalar key. */
function oddKeys(root: Node): { problems: Placed[]; complex: number | null } {
  const problems: Placed[] = [];
  let complex: number | null = null;
  const visitMapping = ({ entries }: Mapping, path: readonly PropertyKey[]): void => {
    const seen = new Set<string>();
    for (const { key, value } of entries) {
      if (key.kind !== 'scalar') {
        complex ??= key.offset;
        continue;
      }
      const { offset, text } = key;
      const inner = [...path, text];
      if (seen.has(text)) problems.push({ offset, path: inner, problem: { code: 'duplicate', name: text } });
      seen.add(text);
      const read = key.plain ? readAs(text) : null;
      if (read !== null) problems.push({ offset, path: inner, problem: { code: 'unquoted', text, read } });
      visit(value, inner);
    }
  };
  const visit = (node: Node, path: readonly PropertyKey[]): void => {
    if (node.kind === 'sequence') node.items.forEach((item, i) => visit(item, [...path, i]));
    if (node.kind === 'mapping') visitMapping(node, path);
  };
  visit(root, []);
  return { problems, complex };
}

const number = /^(0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?)$/;

/** What YAML's core schema reads a plain scalar as, in words; null if as text. */
export function readAs(text: string): string | null {
  if (number.test(text)) return `the number ${Number(text)}`;
  if (/^(true|True|TRUE|false|False|FALSE)$/.test(text)) return `the boolean ${text.toLowerCase()}`;
  return /^(~|null|Null|NULL)$/.test(text) ? 'nothing' : null;
}
