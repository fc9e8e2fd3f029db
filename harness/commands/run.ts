import { readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { FrostlineError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { loadMatrix } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { planCells } from '../plan/cells.ts';
import { parseSelect } from '../plan/select.ts';
import { isInShard, parseShard } from '../plan/shard.ts';
import { liveProgress } from '../progress/live.ts';
import { Sampler } from '../analyse/sampler.ts';
import { finishedTrials, type Progress } from '../record/finished.ts';
import { Journal } from '../record/journal.ts';
import { isOnlyParquet } from '../record/compacted.ts';
import { readRecords } from '../record/read.ts';
import { createRun, openRun, resolveRun, type OpenRun } from '../record/runs.ts';
import { runMatrix } from '../run.ts';
import { verdictCode } from './bisect.ts';
import type { Io } from './io.ts';
import { kernelOption, withKernel } from './kernel.ts';
import { requireMatrix } from './matrix.ts';
import { printReport } from './report.ts';

export interface RunOptions {
  readonly results: string;
  readonly jobs?: number;
  readonly select?: readonly string[];
  readonly shard?: string;
  readonly resume?: string;
  readonly kernel?: string;
  readonly bisect?: boolean;
  readonly allowLocal?: boolean;
}

/** What is to be run, new or gone on with. */
interface Job {
  readonly open: OpenRun;
  readonly matrix: Matrix;
  readonly cells: readonly Cell[];
  readonly progress: Progress;
  readonly sampler: Sampler;
}

const usage = (message: string, todo: string): FrostlineError =>
  new FrostlineError(message, { code: 'usage', todo });

/** `frostline run [FILE]`: boots the machines of a matrix, measures its cells, prints the table. */
export async function run(file: string | undefined, options: RunOptions, io: Io): Promise<void> {
  const job = await prepare(file, options, io);
  await using open = job.open;
  await execute({ ...job, open }, options, io);
}

async function prepare(file: string | undefined, options: RunOptions, io: Io): Promise<Job> {
  if (options.resume !== undefined) return resume(file, options, options.resume);
  if (file === undefined)
    throw usage('No matrix file is given.', 'For example: frostline run matrices/quick.yaml');
  const written = await requireMatrix(file, io);
  if (options.bisect === true && written.expect.length === 0)
    throw usage('--bisect needs to know what is good: this matrix expects nothing.', 'Add `expect:` to it.');
  const kernel = options.kernel === undefined ? null : kernelOption(options.kernel);
  const matrix = kernel === null ? written : withKernel(written, kernel);
  const cells = chooseCells(matrix, options.select ?? [], options.shard);
  const open = await createRun(options.results, {
    name: matrix.name,
    matrix: { file, text: matrix.text },
    options: {
      select: [...(options.select ?? [])],
      shard: options.shard ?? null,
      jobs: options.jobs ?? null,
      kernel,
    },
    cells: cells.map(({ id }) => id),
    trials: matrix.trials,
    sampling: matrix.sampling,
    version: version(),
  });
  return {
    open,
    matrix,
    cells,
    progress: { finished: new Set(), lastMachine: 0 },
    sampler: new Sampler(matrix.sampling),
  };
}

async function resume(file: string | undefined, options: RunOptions, name: string): Promise<Job> {
  const { select, shard, kernel } = options;
  if ([file, select, shard, kernel].some((one) => one !== undefined)) {
    throw usage(
      '--resume goes on with the matrix and the cells its run began with.',
      'Leave out FILE, --select, --shard and --kernel.',
    );
  }
  const open = await openRun(await resolveRun(options.results, name));
  const { matrix: stored, options: chosen } = open.info;
  const loaded = loadMatrix(stored.text, stored.file);
  if (!loaded.ok) {
    await open[Symbol.asyncDispose]();
    throw new FrostlineError(`The matrix kept in ${open.dir}/run.json does not load any more.`, {
      code: 'results',
      todo: 'It was made by another version of frostline: start a new run.',
    });
  }
  const matrix = chosen.kernel === null ? loaded.matrix : withKernel(loaded.matrix, chosen.kernel);
  const cells = chooseCells(matrix, chosen.select, chosen.shard ?? undefined);
  // what is appended to must hold all that was recorded
  if (await isOnlyParquet(open.dir)) await (await import('../history/restore.ts')).restore(open.dir);
  const sampler = new Sampler(matrix.sampling);
  const progress = await finishedTrials(
    readRecords(open.recordsPath, () => undefined),
    (record) => sampler.add(record),
  );
  return { open, matrix, cells, progress, sampler };
}

function chooseCells(matrix: Matrix, select: readonly string[], shard: string | undefined): Cell[] {
  const all = [...planCells(matrix, parseSelect(select, matrix))];
  const part = shard === undefined ? null : parseShard(shard);
  const cells = part === null ? all : all.filter((cell) => isInShard(cell, part));
  if (cells.length > 0) return cells;
  throw usage(
    'Nothing is left to run: no cell is selected.',
    '`frostline plan FILE` lists the cells of a matrix.',
  );
}

async function execute(
  { open, matrix, cells, progress, sampler }: Job,
  options: RunOptions,
  io: Io,
): Promise<void> {
  const journal = await Journal.open(open.recordsPath);
  const listener = liveProgress(io.stderr, io.env);
  const signal = AbortSignal.any([io.signal, journal.failed]);
  const emit = (event: RunEvent): void => {
    if (event.kind === 'run-started') void open.update({ lab: event.lab });
    listener(event);
  };
  const plan = {
    run: open.id,
    dir: open.dir,
    matrix,
    cells,
    ...progress,
    sampler,
    journal,
    jobs: options.jobs ?? null,
    allowLocal: options.allowLocal ?? false,
    signal,
    emit,
  };
  try {
    const problems = await runMatrix(plan);
    listener.close();
    await journal.close();
    await open.update({ status: 'finished', finished: new Date().toISOString(), problems: [...problems] });
  } catch (error) {
    listener.close();
    await journal.close().catch(() => undefined);
    await open.update({ status: 'interrupted' }).catch(() => undefined);
    if (io.signal.aborted) {
      const where = relative('.', dirname(open.dir)) || '.';
      const results = where === 'results' ? '' : ` --results ${where}`;
      io.stderr.write(
        `frostline: interrupted; every machine is down. Go on with: frostline run --resume ${open.id}${results}\n`,
      );
    }
    throw error;
  }
  const stored = await printReport(open.dir, io, 'terminal');
  io.setExitCode(options.bisect === true ? verdictCode(stored) : stored.exitCode);
}

const version = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
