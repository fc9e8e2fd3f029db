import { constructFromEvents, CORE_SCHEMA, parseEvents, YAMLException } from 'js-yaml';
import type { Problem } from './finding.ts';
import { compose, type Node } from './locate.ts';

/** Aliases at most: a matrix has little use for any, and a bomb needs many. */
const maxAliases = 100;
const maxDepth = 20;

export interface Parsed {
  readonly value: unknown;
  readonly root: Node | undefined;
}

/** Where in the text a problem is. */
export interface Placed {
  readonly offset: number;
  readonly problem: Problem;
}

/** Reads YAML text; a syntax error ends the reading, what else is odd about keys is collected. */
export function parseYaml(text: string): { parsed: Parsed | null; problems: Placed[] } {
  const syntax = (offset: number, reason: string): { parsed: null; problems: Placed[] } => ({
    parsed: null,
    problems: [{ offset, problem: { code: 'yaml', reason } }],
  });
  const nul = text.indexOf('\0');
  if (nul >= 0) return syntax(nul, 'it holds a NUL byte, so it is a binary file');
  if (text.includes('\uFFFD')) return syntax(text.indexOf('\uFFFD'), 'it is not valid UTF-8');
  try {
    const events = parseEvents(text, { maxDepth });
    const documents = constructFromEvents(events, {
      source: text,
      schema: CORE_SCHEMA,
      json: true,
      maxAliases,
    });
    if (documents.length > 1)
      return syntax(text.lastIndexOf('\n---') + 1, 'it holds several documents; one is expected');
    const root = compose(text, events);
    return { parsed: { value: documents[0], root }, problems: root === undefined ? [] : oddKeys(root) };
  } catch (error) {
    if (error instanceof YAMLException) return syntax(error.mark?.position ?? 0, error.reason);
    return syntax(0, error instanceof Error ? error.message : String(error));
  }
}

/** Keys given twice, and keys that YAML reads as numbers (6.10 would become 6.1). */
function oddKeys(root: Node): Placed[] {
  const problems: Placed[] = [];
  const visit = (node: Node): void => {
    if (node.kind === 'sequence') node.items.forEach(visit);
    if (node.kind !== 'mapping') return;
    const seen = new Set<string>();
    for (const { key, value } of node.entries) {
      if (seen.has(key.text))
        problems.push({ offset: key.offset, problem: { code: 'duplicate', name: key.text } });
      seen.add(key.text);
      if (key.plain && isNumber(key.text)) {
        const read = String(Number(key.text));
        problems.push({ offset: key.offset, problem: { code: 'unquoted', text: key.text, read } });
      }
      visit(value);
    }
  };
  visit(root);
  return problems;
}

/** Whether plain text is a number to YAML's core schema. */
export const isNumber = (text: string): boolean => /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(text);
