import { compatibility } from '../analyse/compatibility.ts';
import { FrostlineError } from '../errors.ts';
import { resolveRun } from '../record/runs.ts';
import { compatibilityHtml } from '../report/compatibility-html.ts';
import { compatibilityMarkdown } from '../report/compatibility.ts';
import { csvReport } from '../report/csv.ts';
import { escapeJson, escapeTerminal } from '../report/escape.ts';
import { jsonReport } from '../report/json.ts';
import { junitReport } from '../report/junit.ts';
import { markdownReport } from '../report/markdown.ts';
import { tapReport } from '../report/tap.ts';
import { terminalReport } from '../report/terminal.ts';
import { isColoured, widthOf, type Io } from './io.ts';
import { readStoredRun, type StoredRun } from './stored-run.ts';

type Format = 'terminal' | 'json' | 'markdown' | 'csv' | 'junit' | 'tap' | 'html';

export interface ReportOptions {
  readonly results: string;
  readonly format: Format;
  readonly template?: 'release';
}

/** `frostline report [RUN]`: prints the results of a stored run. Exits with the code of the run itself. */
export async function report(names: readonly string[], options: ReportOptions, io: Io): Promise<void> {
  const { results, format } = options;
  if (options.template !== undefined) return printCompatibility(names, options, io);
  const [name = 'latest', ...more] = names;
  if (more.length > 0)
    throw new FrostlineError('A report is of one run.', {
      code: 'usage',
      todo: 'Several runs go with --template release.',
    });
  const { exitCode } = await printReport(await resolveRun(results, name), io, format);
  io.setExitCode(exitCode);
}

/** `frostline report --template release RUN...`: which uses of each kernel's freezer work, over all given runs. */
async function printCompatibility(
  names: readonly string[],
  { results, format }: ReportOptions,
  io: Io,
): Promise<void> {
  const runs: StoredRun[] = [];
  for (const name of names) {
    const stored = await readStoredRun(await resolveRun(results, name));
    for (const finding of stored.findings) io.stderr.write(`frostline: ${escapeTerminal(finding)}\n`);
    runs.push(stored);
  }
  const kernels = compatibility(runs);
  const of = runs.map(({ summary }) => summary.run);
  if (format === 'html') io.stdout.write(compatibilityHtml(kernels, of));
  else if (format === 'json') io.stdout.write(`${escapeJson({ runs: of, kernels })}\n`);
  else io.stdout.write(compatibilityMarkdown(kernels, of));
}

/** Reports the run in a folder to stdout and its damage to stderr; resolves with the run. */
export async function printReport(dir: string, io: Io, format: Format): Promise<StoredRun> {
  const stored = await readStoredRun(dir);
  for (const finding of stored.findings) io.stderr.write(`frostline: ${escapeTerminal(finding)}\n`);
  io.stdout.write(
    format === 'html'
      ? await (await import('./html.ts')).runHtml(dir, stored)
      : formatRun(stored, format, io),
  );
  return stored;
}

/** The report of a run as text. */
function formatRun({ summary, judgements }: StoredRun, format: Exclude<Format, 'html'>, io: Io): string {
  switch (format) {
    case 'json':
      return jsonReport(summary, judgements);
    case 'markdown':
      return markdownReport(summary, judgements);
    case 'csv':
      return csvReport(summary, judgements);
    case 'junit':
      return junitReport(summary, judgements);
    case 'tap':
      return tapReport(summary, judgements);
    case 'terminal':
      return terminalReport(summary, judgements, { colour: isColoured(io), width: widthOf(io) });
  }
}
