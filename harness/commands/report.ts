import { Option, type Command } from 'commander';
import { resolveRun } from '../record/runs.ts';
import { escapeTerminal } from '../report/escape.ts';
import { jsonReport } from '../report/json.ts';
import { markdownReport } from '../report/markdown.ts';
import { terminalReport } from '../report/terminal.ts';
import type { Io } from './io.ts';
import { readStoredRun, type StoredRun } from './stored-run.ts';

const formats = ['terminal', 'json', 'markdown'] as const;
type Format = (typeof formats)[number];

/** `frostline report [RUN]`: what a stored run came to. Exits like the run itself. */
export function register(program: Command, io: Io): void {
  program
    .command('report')
    .description('report a stored run from its records')
    .argument('[run]', 'run id, latest, latest~1, or the path of its folder', 'latest')
    .option('--results <dir>', 'folder of the runs', 'results')
    .addOption(new Option('--format <format>', 'how to write it').choices(formats).default('terminal'))
    .action(async (run: string, { results, format }: { results: string; format: Format }) => {
      io.setExitCode(await printReport(await resolveRun(results, run), io, format));
    });
}

/** Reports the run in a folder to stdout, its damages to stderr; resolves with the exit code of the run. */
export async function printReport(dir: string, io: Io, format: Format): Promise<0 | 1 | 69> {
  const stored = await readStoredRun(dir);
  for (const finding of stored.findings) io.stderr.write(`frostline: ${escapeTerminal(finding)}\n`);
  io.stdout.write(formatRun(stored, format, io));
  return stored.exitCode;
}

/** The report of a run as text; coloured only on a terminal that wants it (https://no-color.org). */
function formatRun({ summary, judgements }: StoredRun, format: Format, io: Io): string {
  switch (format) {
    case 'json':
      return jsonReport(summary, judgements);
    case 'markdown':
      return markdownReport(summary, judgements);
    case 'terminal': {
      const terminal = 'isTTY' in io.stdout && io.stdout.isTTY;
      const columns = terminal ? io.stdout.columns : 150;
      const colour = terminal && (io.env['NO_COLOR'] ?? '') === '' && io.env['TERM'] !== 'dumb';
      return terminalReport(summary, judgements, {
        colour,
        width: Math.max(80, columns),
      });
    }
  }
}
