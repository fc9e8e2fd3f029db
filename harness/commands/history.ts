import { FrostlineError } from '../errors.ts';
import { derived, runColumns, stored } from '../history/columns.ts';
import { compact } from '../history/compact.ts';
import { flaky, type FlakyCell } from '../history/flaky.ts';
import { openHistory, type History } from '../history/history.ts';
import { trend, type TrendPoint } from '../history/trend.ts';
import { escapeTerminal } from '../report/escape.ts';
import { trendPage } from '../report/html/trend.ts';
import { terminalTrend } from '../report/history/trend.ts';
import { percent, plural } from '../report/words.ts';
import { isColoured, type Io } from './io.ts';
import { writeObjects, writeRows, writeTable } from './rows.ts';

export interface HistoryOptions {
  readonly results: string;
  readonly format: 'terminal' | 'csv' | 'json';
}

const tell =
  (io: Io) =>
  (finding: string): void => {
    io.stderr.write(`frostline: ${escapeTerminal(finding)}\n`);
  };

const open = (results: string, io: Io): Promise<History> => openHistory(results, io.signal, tell(io));

export interface CompactOptions {
  readonly results: string;
  readonly deleteOriginals?: boolean;
}

/** `frostline history compact`: makes a Parquet file for each run that has none, or an outdated one. */
export async function historyCompact(
  { results, deleteOriginals = false }: CompactOptions,
  io: Io,
): Promise<void> {
  const all = compact({ resultsDir: results, deleteOriginals, signal: io.signal, onFinding: tell(io) });
  let count = 0;
  for await (const { run, records, before, after, deleted } of all) {
    count++;
    const size = (bytes: number): string =>
      bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    const original = deleted ? 'the original is deleted' : 'the original is kept';
    io.stdout.write(`${run}: ${plural(records, 'record')}, ${size(before)} to ${size(after)}; ${original}\n`);
  }
  if (count === 0) io.stdout.write('nothing to compact\n');
}

export interface TrendOptions extends Omit<HistoryOptions, 'format'> {
  readonly cell: string;
  readonly by: 'run' | 'day';
  readonly since?: string;
  readonly format: HistoryOptions['format'] | 'html';
}

/** `frostline history trend --cell GLOB`: how rates changed from run to run. */
export async function historyTrend(options: TrendOptions, io: Io): Promise<void> {
  const { results, format, cell, by } = options;
  await using history = await open(results, io);
  const points = await trend(history.database, { cell, by, since: parseDay(options.since) });
  if (format === 'html') io.stdout.write(await (await import('./html.ts')).page(trendPage(points)));
  else if (format === 'terminal') io.stdout.write(terminalTrend(points, { colour: isColoured(io) }));
  else await writeObjects(points, trendColumns, { format, io });
}

const trendColumns: readonly (keyof TrendPoint)[] = [
  ...(['cell', 'at', 'trials', 'frozen', 'rate', 'low', 'high', 'boots', 'releases', 'machines'] as const),
  ...(['kernelChanged', 'machinesChanged'] as const),
];

export interface FlakyOptions extends HistoryOptions {
  readonly since?: string;
}

/** `frostline history flaky`: cells whose results vary. */
export async function historyFlaky({ results, format, since }: FlakyOptions, io: Io): Promise<void> {
  await using history = await open(results, io);
  const cells = await flaky(history.database, parseDay(since));
  if (format !== 'terminal') return writeObjects(cells, flakyColumns, { format, io });
  if (cells.length === 0) return void io.stdout.write('No cell is flaky.\n');
  const rows = cells.map((cell) => [
    ...[`${cell.frozen}/${cell.trials}`, `${percent(cell.rate)}%`, cell.varies],
    ...[`${cell.mixedBoots}/${cell.boots}`, `${cell.mixedRuns}/${cell.runs}`, cell.cell, cell.release],
  ]);
  const columns = ['frozen', 'rate', 'varies', 'mixed boots', 'mixed runs', 'cell', 'kernel'];
  await writeTable(columns, rows, { format, io });
}

const flakyColumns: readonly (keyof FlakyCell)[] = [
  ...(['cell', 'release', 'frozen', 'trials', 'rate', 'mixedBoots', 'boots'] as const),
  ...(['mixedRuns', 'runs', 'varies'] as const),
];

export interface SqlOptions extends HistoryOptions {
  readonly columns?: boolean;
}

/** `frostline history sql`: any SELECT over all trials and runs. */
export async function historySql(
  query: string | undefined,
  { results, format, columns }: SqlOptions,
  io: Io,
): Promise<void> {
  if (columns === true) return writeColumns(format, io);
  if (query === undefined) {
    throw new FrostlineError('There is no query.', {
      code: 'usage',
      todo: 'Give one SELECT in quotes, or --columns to see what there is to ask for.',
    });
  }
  await using history = await open(results, io);
  await writeRows(await history.database.select(query), { format, io });
}

function writeColumns(format: HistoryOptions['format'], io: Io): Promise<void> {
  const rows = [
    ...[...stored, ...derived].map(({ name, about }) => ['trials', name, about]),
    ...runColumns.map(({ name, about }) => ['runs', name, about]),
  ];
  return writeTable(['view', 'column', 'what it is'], rows, { format, io, all: true });
}

/** Checks an ISO day; days sort like the run ids that begin with them. */
function parseDay(text: string | undefined): string | undefined {
  if (text === undefined || /^\d{4}-\d\d-\d\d$/.test(text)) return text;
  throw new FrostlineError(`--since "${text}" is no day.`, {
    code: 'usage',
    todo: 'Give one as 2026-11-20.',
  });
}
