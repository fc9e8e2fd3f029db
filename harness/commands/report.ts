import { resolveRun } from '../record/runs.ts';
import { escapeTerminal } from '../report/escape.ts';
import { jsonReport } from '../report/json.ts';
import { markdownReport } from '../report/markdown.ts';
import { terminalReport } from '../report/terminal.ts';
import { isColoured, widthOf, type Io } from './io.ts';
import { readStoredRun, type StoredRun } from './stored-run.ts';

type Format = 'terminal' | 'json' | 'markdown';

export interface ReportOptions {
  readonly results: string;
  readonly format: Format;
}

/** `frostline report [RUN]`: what a stored run came to. Exits like the run itself. */
export async function report(run: string, { results, format }: ReportOptions, io: Io): Promise<void> {
  const { exitCode } = await printReport(await resolveRun(results, run), io, format);
  io.setExitCode(exitCode);
}

/** Reports the run in a folder to stdout, its damages to stderr; resolves with the run. */
export async function printReport(dir: string, io: Io, format: Format): Promise<StoredRun> {
  const stored = await readStoredRun(dir);
  for (const finding of stored.findings) io.stderr.write(`frostline: ${escapeTerminal(finding)}\n`);
  io.stdout.write(formatRun(stored, format, io));
  return stored;
}

/** The report of a run as text. */
function formatRun({ summary, judgements }: StoredRun, format: Format, io: Io): string {
  switch (format) {
    case 'json':
      return jsonReport(summary, judgements);
    case 'markdown':
      return markdownReport(summary, judgements);
    case 'terminal':
      return terminalReport(summary, judgements, { colour: isColoured(io), width: widthOf(io) });
  }
}
