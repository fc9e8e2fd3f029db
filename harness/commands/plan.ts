import { once } from 'node:events';
import type { Command } from 'commander';
import type { Cell } from '../plan/cell.ts';
import { planCells } from '../plan/cells.ts';
import { parseSelect } from '../plan/select.ts';
import { isInShard, parseShard } from '../plan/shard.ts';
import type { Io } from './io.ts';
import { requireMatrix } from './matrix.ts';

interface Options {
  readonly json?: boolean;
  readonly select?: readonly string[];
  readonly shard?: string;
}

/** Writes pieces in blocks, waiting for a slow reader, so that a plan of any size takes little memory. */
async function writeAll(out: NodeJS.WritableStream, pieces: Iterable<string>): Promise<void> {
  let block = '';
  for (const piece of pieces) {
    block += piece;
    if (block.length < 64 * 1024) continue;
    if (!out.write(block)) await once(out, 'drain');
    block = '';
  }
  if (block !== '' && !out.write(block)) await once(out, 'drain');
}

function* asJson(name: string, trials: number, cells: Iterable<Cell>): Generator<string> {
  yield `{"schema":1,"matrix":${JSON.stringify(name)},"trials":${trials},"cells":[`;
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

/** `frostline plan FILE`: the ids of the cells a run would measure, in order. */
export function register(program: Command, io: Io): void {
  program
    .command('plan')
    .description('list the cells that a run would measure; boots nothing')
    .argument('<file>', 'matrix file')
    .option('--json', 'as one JSON document')
    .option('--select <axis=name,...>', 'only these cells; + joins names of one axis', collect)
    .option('--shard <i/n>', 'only the i-th of n parts, the same whatever else the matrix holds')
    .action(async (file: string, { json = false, select = [], shard }: Options) => {
      const matrix = await requireMatrix(file);
      const part = shard === undefined ? null : parseShard(shard);
      const all = planCells(matrix, parseSelect(select, matrix));
      const cells = part === null ? all : filter(all, (cell) => isInShard(cell, part));
      await writeAll(io.stdout, json ? asJson(matrix.name, matrix.trials, cells) : asText(cells));
    });
}

/** Collects a repeatable option. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

function* filter<T>(from: Iterable<T>, keep: (one: T) => boolean): Generator<T> {
  for (const one of from) if (keep(one)) yield one;
}
