import { FrostlineError } from '../errors.ts';
import type { Cell } from './cell.ts';
import { hash32 } from './seeds.ts';

/** Part `index` (from 1) of `count` parts. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Parses `INDEX/COUNT`, such as `2/4`. Throws ('usage') for anything else. */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (index === undefined || count === undefined || index < 1 || index > count || count > 10_000) {
    throw new FrostlineError(`--shard "${text}" is not INDEX/COUNT.`, {
      code: 'usage',
      todo: 'Give index/count with 1 <= index <= count, for example 2/4.',
    });
  }
  return { index, count };
}

/** Whether a cell is in a shard, decided by the hash of its id alone: independent of the rest of the matrix. */
export const isInShard = (cell: Cell, { index, count }: Shard): boolean =>
  hash32(cell.id) % count === index - 1;
