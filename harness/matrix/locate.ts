import { EVENT_ID, getScalarValue, SCALAR_STYLE, type Event, type ScalarEvent } from 'js-yaml';

/** A node of the document with its offset in the text. */
export type Node =
  | { readonly kind: 'scalar'; readonly offset: number; readonly text: string; readonly plain: boolean }
  | { readonly kind: 'sequence'; readonly offset: number; readonly items: readonly Node[] }
  | Mapping
  | { readonly kind: 'alias'; readonly offset: number; readonly target: Node | undefined };

/** A mapping with its entries in the order of the text, and by key (the last one if a key is repeated). */
export interface Mapping {
  readonly kind: 'mapping';
  readonly offset: number;
  readonly entries: readonly Entry[];
  readonly byKey: ReadonlyMap<string, Entry>;
}

/** A key of a mapping and its value. */
export interface Entry {
  readonly key: Node;
  readonly value: Node;
}

/**
 * Builds the tree of the first document from the parser's events. Aliases stay references, so that the
 * tree is never larger than the text.
 */
export function compose(source: string, events: readonly Event[]): Node | undefined {
  const anchors = new Map<string, Node>();
  let at = 0;

  const isOver = (): boolean => at >= events.length || events[at]!.type === EVENT_ID.POP;
  // an empty value has no position of its own: it gets that of its key (or list)
  const next = (otherwise: number): Node => {
    const event = events[at++]!;
    const node = toNode(event, otherwise);
    if ('anchorStart' in event && event.anchorStart >= 0 && event.type !== EVENT_ID.ALIAS)
      anchors.set(source.slice(event.anchorStart, event.anchorEnd), node);
    return node;
  };
  const toNode = (event: Event, otherwise: number): Node => {
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return toScalar(source, event, otherwise);
      case EVENT_ID.SEQUENCE: {
        const items: Node[] = [];
        while (!isOver()) items.push(next(event.start));
        at++;
        return { kind: 'sequence', offset: event.start, items };
      }
      case EVENT_ID.MAPPING: {
        const entries: Entry[] = [];
        while (!isOver()) {
          const key = next(event.start);
          entries.push({ key, value: isOver() ? key : next(key.offset) });
        }
        at++;
        return toMapping(event.start, entries);
      }
      case EVENT_ID.ALIAS: {
        const target = anchors.get(source.slice(event.anchorStart, event.anchorEnd));
        return { kind: 'alias', offset: event.anchorStart - 1, target };
      }
      case EVENT_ID.DOCUMENT:
      case EVENT_ID.POP:
        return { kind: 'scalar', offset: otherwise, text: '', plain: true };
    }
  };
  if (events[at++]?.type !== EVENT_ID.DOCUMENT || isOver()) return undefined;
  return next(0);
}

function toScalar(source: string, event: ScalarEvent, otherwise: number): Node {
  const { style, valueStart } = event;
  // the value of a quoted scalar starts after the quote
  const quoted = style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;
  return {
    kind: 'scalar',
    offset: valueStart < 0 ? otherwise : valueStart - Number(quoted),
    text: getScalarValue(source, event),
    plain: style === SCALAR_STYLE.PLAIN,
  };
}

function toMapping(offset: number, entries: readonly Entry[]): Mapping {
  const byKey = new Map<string, Entry>();
  for (const entry of entries) if (entry.key.kind === 'scalar') byKey.set(entry.key.text, entry);
  return { kind: 'mapping', offset, entries, byKey };
}

/** The target of an alias, or any other node itself; also an alias inside its own target, which has none yet. */
export const follow = (node: Node | undefined): Node | undefined =>
  node?.kind === 'alias' ? (node.target ?? node) : node;

/** The node at a path, or the last one on the way to it; with `key`, the token of that key in it, if it is there. */
export function find(root: Node | undefined, path: readonly PropertyKey[], key?: string): Node | undefined {
  let node = follow(root);
  for (const part of path) {
    let next: Node | undefined;
    if (node?.kind === 'mapping') next = node.byKey.get(String(part))?.value;
    if (node?.kind === 'sequence') next = node.items[Number(part)];
    if (next === undefined) return node;
    node = follow(next);
  }
  if (key !== undefined && node?.kind === 'mapping') return node.byKey.get(key)?.key ?? node;
  return node;
}

/** A line break of YAML 1.2. */
export const lineBreak = /\r\n|[\r\n]/;

/** Returns a function from offset to line and column, both from 1; columns count UTF-16 units, as editors do. */
export function lineIndex(source: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (const match of source.matchAll(new RegExp(lineBreak, 'g'))) starts.push(match.index + match[0].length);
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  };
}
