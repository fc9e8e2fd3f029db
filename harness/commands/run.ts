import { FrostlineError } from '../errors.ts';
import { loadMatrix } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { planCells } from '../plan/cells.ts';
import { parseSelect } from '../plan/select.ts';
import { isInShard, parseShard } from '../plan/shard.ts';
import { Sampler } from '../analyse/sampler.ts';
import { finishedTrials } from '../record/finished.ts';
import { isOnlyParquet } from '../record/compacted.ts';
import { readRecords } from '../record/read.ts';
import { createRun, openRun, resolveRun, type OpenRun } from '../record/runs.ts';
import { verdictCode } from './bisect.ts';
import type { Io } from './io.ts';
import { kernelOption, withKernel } from './kernel.ts';
import { requireMatrix } from './matrix.ts';
import { jobsOf, measure, version, type Job } from './measure.ts';
import { printReport } from './report.ts';

export interface RunOptions {
  readonly results: string;
  readonly jobs?: number | 'auto';
  readonly select?: readonly string[];
  readonly shard?: string;
  readonly resume?: string;
  readonly kernel?: string;
  readonly bisect?: boolean;
  readonly allowLocal?: boolean;
}

const usage = (message: string, todo: string): FrostlineError =>
  new FrostlineError(message, { code: 'usage', todo });

/** `frostline run [FILE]`: boots the machines of a matrix, measures its cells, prints the table. */
export async function run(file: string | undefined, options: RunOptions, io: Io): Promise<void> {
  const job = await prepare(file, options, io);
  await using open = job.open;
  await measure({ ...job, open }, options, io);
  const stored = await printReport(open.dir, io, 'terminal');
  io.setExitCode(options.bisect === true ? verdictCode(stored) : stored.exitCode);
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
      jobs: jobsOf(options),
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
  try {
    const job = await readJob(open);
    await open.update({ status: 'running', finished: null });
    return job;
  } catch (error) {
    // a run that cannot be resumed stays as it was
    await open[Symbol.asyncDispose]();
    throw error;
  }
}

async function readJob(open: OpenRun): Promise<Job> {
  const { matrix: stored, options: chosen } = open.info;
  const loaded = loadMatrix(stored.text, stored.file);
  if (!loaded.ok)
    throw new FrostlineError(`The matrix kept in ${open.dir}/run.json does not load any more.`, {
      code: 'results',
      todo: 'It was made by another version of frostline: start a new run.',
    });
  const matrix = chosen.kernel === null ? loaded.matrix : withKernel(loaded.matrix, chosen.kernel);
  const cells = chooseCells(matrix, chosen.select, chosen.shard ?? undefined);
  // the file that is appended to must hold all records
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
