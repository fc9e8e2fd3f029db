import {
  EVENT_ID,
  getScalarValue,
  SCALAR_STYLE,
  type Event,
  type MappingEvent,
  type ScalarEvent,
  type SequenceEvent,
} from 'js-yaml';

/** A node of the document with its offset in the text. */
export type Node =
  | { readonly kind: 'scalar'; readonly offset: number; readonly text: string; readonly plain: boolean }
  | { readonly kind: 'sequence'; readonly offset: number; readonly items: readonly Node[] }
  | { readonly kind: 'mapping'; readonly offset: number; readonly entries: readonly Entry[] }
  | { readonly kind: 'alias'; readonly offset: number; readonly target: () => Node | undefined };

/** A key of a mapping and its value. */
export interface Entry {
  readonly key: Extract<Node, { kind: 'scalar' }>;
  readonly value: Node;
}

/**
 * Builds the tree of the first document from the parser's events. Aliases stay references, so that the
 * tree is never larger than the text.
 */
export function compose(source: string, events: readonly Event[]): Node | undefined {
  const anchors = new Map<string, Node>();
  let at = 0;

  const anchored = <T extends Node>(event: ScalarEvent | MappingEvent | SequenceEvent, node: T): T => {
    if (event.anchorStart >= 0) anchors.set(source.slice(event.anchorStart, event.anchorEnd), node);
    return node;
  };
  const collect = (): Node[] => {
    const nodes: Node[] = [];
    while (at < events.length && events[at]?.type !== EVENT_ID.POP) nodes.push(next());
    at++;
    return nodes;
  };
  const next = (): Node => {
    const event = events[at++]!;
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        const text = getScalarValue(source, event);
        const plain = event.style === SCALAR_STYLE.PLAIN;
        // the value of a quoted scalar starts behind its quote
        const quoted =
          event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
        const offset = Math.max(0, event.valueStart - Number(quoted));
        return anchored(event, { kind: 'scalar', offset, text, plain });
      }
      case EVENT_ID.SEQUENCE:
        return anchored(event, { kind: 'sequence', offset: event.start, items: collect() });
      case EVENT_ID.MAPPING:
        return anchored(event, { kind: 'mapping', offset: event.start, entries: pair(collect()) });
      case EVENT_ID.ALIAS: {
        const name = source.slice(event.anchorStart, event.anchorEnd);
        return { kind: 'alias', offset: event.anchorStart, target: () => anchors.get(name) };
      }
      case EVENT_ID.DOCUMENT:
      case EVENT_ID.POP:
        return { kind: 'scalar', offset: 0, text: '', plain: true };
    }
  };
  if (events[at]?.type !== EVENT_ID.DOCUMENT) return undefined;
  at++;
  return events[at] === undefined || events[at]!.type === EVENT_ID.POP ? undefined : next();
}

function pair(nodes: readonly Node[]): Entry[] {
  const entries: Entry[] = [];
  for (let i = 0; i + 1 < nodes.length; i += 2) {
    const key = nodes[i]!;
    const scalar =
      key.kind === 'scalar' ? key : ({ kind: 'scalar', offset: key.offset, text: '', plain: false } as const);
    entries.push({ key: scalar, value: nodes[i + 1]! });
  }
  return entries;
}

/** The node an alias stands for, followed a bounded number of times. */
export function follow(node: Node | undefined): Node | undefined {
  let at = node;
  for (let hops = 0; at?.kind === 'alias' && hops < 100; hops++) at = at.target();
  return at;
}

/** The nearest node to a path: itself, or the last one on the way to it; with `key`, the key token instead. */
export function find(root: Node | undefined, path: readonly PropertyKey[], key?: string): Node | undefined {
  let node = follow(root);
  for (const part of path) {
    const next =
      node?.kind === 'mapping'
        ? node.entries.find((entry) => entry.key.text === part)?.value
        : node?.kind === 'sequence'
          ? node.items[Number(part)]
          : undefined;
    if (next === undefined) return node;
    node = follow(next);
  }
  if (key !== undefined && node?.kind === 'mapping') {
    return node.entries.find((entry) => entry.key.text === key)?.key ?? node;
  }
  return node;
}

/** Line and column, from 1, of an offset; columns count UTF-16 units, as editors do. */
export function position(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset);
  const lines = before.split('\n');
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
}
