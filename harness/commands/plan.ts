import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { planCells } from '../plan/cells.ts';
import { parseSelect } from '../plan/select.ts';
import { isInShard, parseShard } from '../plan/shard.ts';
import { whileRead, type Io } from './io.ts';
import { requireMatrix } from './matrix.ts';

export interface PlanOptions {
  readonly json?: boolean;
  readonly select?: readonly string[];
  readonly shard?: string;
}

/**
 * Writes pieces in blocks and waits for a slow reader, so that a plan of any size takes little memory. Rejects when the
 * command is told to stop, or when nobody reads the output any more.
 */
async function writeAll(io: Io, pieces: Iterable<string>): Promise<void> {
  const { stdout } = io;
  const signal = whileRead(io);
  const write = async (block: string): Promise<void> => {
    signal.throwIfAborted();
    if (!stdout.write(block)) await once(stdout, 'drain', { signal });
    // pipes and files accept writes at once and never ask to wait, so signals are handled here
    else await setImmediate();
  };
  let block = '';
  for (const piece of pieces) {
    block += piece;
    if (block.length < 64 * 1024) continue;
    await write(block);
    block = '';
  }
  if (block !== '') await write(block);
}

function* asJson({ name, trials, sampling }: Matrix, cells: Iterable<Cell>): Generator<string> {
  yield `{"schema":1,"matrix":${JSON.stringify(name)},"trials":${trials},"sampling":${JSON.stringify(sampling)},"cells":[`;
  let first = true;
  for (const cell of cells) {
    yield `${first ? '' : ','}\n${JSON.stringify(cell)}`;
    first = false;
  }
  yield '\n]}\n';
}

function* asText(cells: Iterable<Cell>): Generator<string> {
  for (const cell of cells) yield `${cell.id}\n`;
}

/** `frostline plan FILE`: prints the ids of the cells a run would measure, in order. */
export async function plan(
  file: string,
  { json = false, select = [], shard }: PlanOptions,
  io: Io,
): Promise<void> {
  const matrix = await requireMatrix(file, io);
  const part = shard === undefined ? null : parseShard(shard);
  const all = planCells(matrix, parseSelect(select, matrix));
  let count = 0;
  const cells = filter(all, (cell) => (part === null || isInShard(cell, part)) && ++count > 0);
  await writeAll(io, json ? asJson(matrix, cells) : asText(cells));
  if (count === 0) io.stderr.write('frostline: no cell of this matrix is selected\n');
}

function* filter<T>(from: Iterable<T>, keep: (one: T) => boolean): Generator<T> {
  for (const one of from) if (keep(one)) yield one;
}
