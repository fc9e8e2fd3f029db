import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { explainRecords, type CellExplanation } from '../analyse/explain.ts';
import { FrostlineError } from '../errors.ts';
import { resolveRun } from '../record/runs.ts';
import { evidenceOfCell } from '../record/evidence.ts';
import type { TrialRecord } from '../record/schema.ts';
import { escapeJson, escapeTerminal } from '../report/escape.ts';
import { explainReport } from '../report/explain.ts';
import type { Io } from './io.ts';
import { readStoredRun, recordLists } from './stored-run.ts';
import { toPattern } from './subject.ts';

export interface ExplainOptions {
  readonly results: string;
  readonly format: 'terminal' | 'json';
}

/** `frostline explain RUN [CELL]`: what most likely kept the cells of a run from FROZEN. CELL may contain `*`. */
export async function explain(
  name: string,
  cell: string | undefined,
  { results, format }: ExplainOptions,
  io: Io,
): Promise<void> {
  const dir = await resolveRun(results, name);
  const { summary, findings } = await readStoredRun(dir);
  for (const finding of findings) io.stderr.write(`frostline: ${escapeTerminal(finding)}\n`);
  const pattern = cell === undefined ? /^/ : toPattern(cell);
  const isWanted = (id: string): boolean => pattern.test(id);
  if (!summary.cells.some(({ id }) => isWanted(id)))
    throw new FrostlineError(`${summary.run.id} has no cell "${cell}".`, {
      code: 'usage',
      todo: 'A cell is DISTRO/CGROUP/RUNTIME/WORKLOAD/STRATEGY; `*` stands for anything. `frostline report` lists them.',
    });
  // damage was already reported above
  const lists = await recordLists(dir, () => undefined);
  const cells = await explainRecords(flat(lists), isWanted);
  io.stdout.write(
    format === 'json'
      ? `${escapeJson({ schema: 1, run: summary.run.id, cells })}\n`
      : explainReport(cells, evidenceOf(dir, cells)),
  );
}

/** The evidence folder of each cell that has one. */
function evidenceOf(dir: string, cells: readonly CellExplanation[]): Map<string, string> {
  const folders = cells.map(({ cell }) => [cell, join(dir, evidenceOfCell(cell))] as const);
  return new Map(folders.filter(([, folder]) => existsSync(folder)));
}

async function* flat(lists: AsyncIterable<TrialRecord[]>): AsyncGenerator<TrialRecord> {
  for await (const list of lists) yield* list;
}
