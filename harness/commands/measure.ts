import { readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { Stopping } from '../analyse/sampler.ts';
import type { RunEvent } from '../events.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { liveProgress } from '../progress/live.ts';
import type { Progress } from '../record/finished.ts';
import { Journal } from '../record/journal.ts';
import type { OpenRun } from '../record/runs.ts';
import { runMatrix } from '../run.ts';
import type { Io } from './io.ts';

/** The `--jobs` option; null: decided by cores and memory. */
export const jobsOf = ({ jobs = 'auto' }: { readonly jobs?: number | 'auto' }): number | null =>
  jobs === 'auto' ? null : jobs;

/** A run to be measured, new or resumed. */
export interface Job {
  readonly open: OpenRun;
  readonly matrix: Matrix;
  readonly cells: readonly Cell[];
  readonly progress: Progress;
  readonly sampler: Stopping;
}

/**
 * Runs the remaining trials of a job and stores them in its run's folder. Rejects on abort, after shutting down every
 * machine.
 */
export async function measure(
  { open, matrix, cells, progress, sampler }: Job,
  options: { readonly jobs?: number | 'auto'; readonly allowLocal?: boolean },
  io: Io,
): Promise<void> {
  const journal = await Journal.open(open.recordsPath);
  const listener = liveProgress(io.stderr, io.env);
  const signal = AbortSignal.any([io.signal, journal.failed]);
  const kernels = { ...open.info.kernels };
  const emit = (event: RunEvent): void => {
    if (event.kind === 'run-started') void open.update({ lab: event.lab });
    if (event.kind === 'kernel-known') {
      kernels[event.distro] = { name: event.name, sha256: event.sha256 };
      void open.update({ kernels: { ...kernels } });
    }
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
    jobs: jobsOf(options),
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
}

/** The version of frostline. */
export const version = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
