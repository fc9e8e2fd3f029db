import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { explainRecords } from '../analyse/explain.ts';
import { consolesOf } from '../record/runs.ts';
import type { TrialRecord } from '../record/schema.ts';
import { escapeTerminal } from '../report/escape.ts';
import type { PageData } from '../report/html/data.ts';
import { runPage } from '../report/html/run.ts';
import { pageScript } from '../report/html/script.ts';
import { htmlPage } from '../report/html/shell.ts';
import { recordLists, type StoredRun } from './stored-run.ts';

/** The report of a stored run as one HTML page. */
export async function runHtml(dir: string, { summary, judgements }: StoredRun): Promise<string> {
  const lost = new Map<string, string>();
  // damage was already reported when the run was read
  const lists = await recordLists(dir, () => undefined);
  const explanations = await explainRecords(watch(lists, lost));
  const consoles = new Map<string, string>();
  for (const [cell, machine] of lost) {
    const end = await endOf(join(consolesOf(dir), `${machine}.log`));
    if (end !== '') consoles.set(cell, end);
  }
  return page(runPage({ summary, judgements, explanations, consoles }));
}

/** Renders data as a page. */
export async function page(data: PageData): Promise<string> {
  return htmlPage(data, await pageScript());
}

const linesShown = 40;
const machineName = /^m\d+$/;

/** Passes records on, and notes for each cell the first machine whose kernel was lost. */
async function* watch(
  lists: AsyncIterable<TrialRecord[]>,
  lost: Map<string, string>,
): AsyncGenerator<TrialRecord> {
  for await (const list of lists) {
    for (const record of list) {
      const { cell, outcome, machine } = record;
      const isLost = outcome === 'kernel-crash' || outcome === 'kernel-hang';
      // a path from a record is not trusted
      if (isLost && !lost.has(cell) && machineName.test(machine.id)) lost.set(cell, machine.id);
      yield record;
    }
  }
}

/** The last lines of a console log; empty when the file is missing. */
async function endOf(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, 16 * 1024));
    await file.read(tail, 0, tail.length, size - tail.length);
    const lines = tail.toString('utf8').split(/\r?\n/);
    return lines.slice(-linesShown).map(escapeTerminal).join('\n').trim();
  } catch {
    return '';
  }
}
