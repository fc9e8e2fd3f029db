import { dirname, resolve } from 'node:path';
import type { CellSummary } from '../analyse/summary.ts';
import { FrostlineError } from '../errors.ts';
import { loadMatrix } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { narrow } from '../matrix/narrow.ts';
import { parseKernel } from '../matrix/source.ts';
import type { RunInfo } from '../record/info.ts';
import { readStoredRun } from './stored-run.ts';

/** A cell of a stored run, and a matrix with only this cell. */
export interface Subject {
  readonly info: RunInfo;
  readonly cell: CellSummary;
  readonly matrix: Matrix;
  /** The kernel it booted; null when that came from inside the machine, or an older frostline did not record it. */
  readonly kernel: { readonly name: string; readonly sha256: string } | null;
}

export interface SubjectOptions {
  readonly trials?: number;
  /** Use the newest kernel that matches the matrix instead of the one booted originally. */
  readonly anyKernel?: boolean;
}

/**
 * Finds a cell of a stored run by its id, in which `*` matches anything. Rejects ('usage') when none or several match,
 * ('results') when the run does not say how it was made.
 */
export async function findSubject(dir: string, name: string, options: SubjectOptions): Promise<Subject> {
  const { info, summary, matrix } = await readStoredRun(dir);
  if (info === undefined || matrix === undefined)
    throw new FrostlineError(`${dir} does not say how it was made: its run.json or its matrix is lost.`, {
      code: 'results',
    });
  const cell = oneOf(summary.cells, name, info.run);
  const kernel = info.kernels[cell.distro] ?? null;
  const wanted =
    options.anyKernel === true || kernel === null ? null : pinned(matrix, cell.distro, { info, kernel });
  const text = narrow(matrix.text, dirname(resolve(info.matrix.file)), cell, {
    name: `${slug(info.name)}-repro`,
    kernel: wanted ?? info.options.kernel,
    ...(options.trials === undefined ? {} : { trials: options.trials }),
  });
  const loaded = loadMatrix(text, info.matrix.file);
  if (!loaded.ok) throw new Error(`the matrix of one cell does not load: ${JSON.stringify(loaded.findings)}`);
  return { info, cell, matrix: loaded.matrix, kernel };
}

/** Run names have at most 64 characters; this leaves room for a suffix. */
const slug = (name: string): string => name.slice(0, 56);

function oneOf(cells: readonly CellSummary[], name: string, run: string): CellSummary {
  const pattern = toPattern(name);
  const found = cells.filter(({ id }) => pattern.test(id));
  const [only, second] = found;
  if (only !== undefined && second === undefined) return only;
  throw new FrostlineError(
    only === undefined ? `${run} has no cell "${name}".` : `${found.length} cells of ${run} are "${name}".`,
    {
      code: 'usage',
      todo:
        only === undefined
          ? 'A cell is DISTRO/CGROUP/RUNTIME/WORKLOAD/STRATEGY; `*` stands for anything. `frostline report` lists them.'
          : `Name one: ${found
              .slice(0, 4)
              .map(({ id }) => id)
              .join(', ')}${found.length > 4 ? ' ...' : ''}`,
    },
  );
}

/** The pattern of a cell id in which `*` matches anything. */
export const toPattern = (cell: string): RegExp =>
  new RegExp(
    `^${cell
      .split('*')
      .map((part) => part.replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`))
      .join('.*')}$`,
  );

/** The kernel with the exact version that was booted; null where the matrix names no Debian package. */
function pinned(
  matrix: Matrix,
  distro: string,
  { info, kernel }: { readonly info: RunInfo; readonly kernel: { readonly name: string } },
): string | null {
  const ways = matrix.distros.get(distro)?.ways ?? [];
  const own = ways.flatMap((way) => (way.driver === 'qemu' ? [way.kernel] : []))[0];
  const source = info.options.kernel === null ? own : parseKernel(info.options.kernel, '/');
  const [name, version, more] = kernel.name.split(' ');
  return source?.kind === 'deb' && version !== undefined && more === undefined
    ? `deb:${source.suite}/${name}=${version}`
    : null;
}
