import { stat } from 'node:fs/promises';
import { testBoots } from '../analyse/boots.ts';
import { newcombe } from '../analyse/contrast.ts';
import { Sampler } from '../analyse/sampler.ts';
import { lostTrials } from '../analyse/state.ts';
import type { CellSummary } from '../analyse/summary.ts';
import { FrostlineError } from '../errors.ts';
import { planCells } from '../plan/cells.ts';
import { createRun, resolveRun } from '../record/runs.ts';
import { escapeTerminal } from '../report/escape.ts';
import { figures, plural, signed, significant } from '../report/words.ts';
import { openBundle, writeBundle } from './bundle.ts';
import type { Io } from './io.ts';
import { measure, version } from './measure.ts';
import { readStoredRun } from './stored-run.ts';
import { findSubject, type Subject } from './subject.ts';

export interface ReproOptions {
  readonly results: string;
  readonly jobs?: number;
  readonly trials?: number;
  readonly anyKernel?: boolean;
  readonly shell?: boolean;
  readonly bundle?: string;
}

/**
 * `frostline repro RUN CELL`, `frostline repro BUNDLE.tar`: repeats a cell with the same kernel, userland, workload and
 * seeds. Exits with 0 when the result is the same as before, 1 when it is not, 69 when it could not be measured.
 */
export async function repro(
  name: string,
  cell: string | undefined,
  options: ReproOptions,
  io: Io,
): Promise<void> {
  if (cell !== undefined) {
    const dir = await resolveRun(options.results, name);
    const subject = await findSubject(dir, cell, options);
    return options.bundle === undefined
      ? again(subject, options, io)
      : writeBundle(dir, subject, options.bundle, io);
  }
  if (!(await isFile(name)))
    throw new FrostlineError(`No cell of "${name}" is named, and it is no bundle.`, {
      code: 'usage',
      todo: 'Give RUN and CELL, or a file that `frostline repro RUN CELL --bundle FILE` wrote.',
    });
  await using bundle = await openBundle(name);
  const subject = await findSubject(bundle.dir, '*', options);
  confine(subject, name);
  await again(subject, options, io);
}

/** A bundle may come from anybody: what it says runs only in machines of our own. */
function confine({ matrix }: Subject, file: string): void {
  const ways = [...matrix.distros.values()].flatMap((distro) => distro.ways);
  const other = ways.find(({ driver }) => driver !== 'qemu' && driver !== 'image');
  if (other !== undefined)
    throw new FrostlineError(
      `${file} wants the driver ${other.driver}, which reaches beyond a virtual machine.`,
      {
        code: 'usage',
        todo: 'Read its matrix.yaml; if you trust it, unpack the archive and use `frostline run matrix.yaml`.',
      },
    );
}

const isFile = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isFile() ?? false;

async function again(subject: Subject, options: ReproOptions, io: Io): Promise<void> {
  if (options.shell === true) return (await import('./shell.ts')).shellInTrial(subject, io);
  const { matrix, info } = subject;
  const cells = [...planCells(matrix)];
  await using open = await createRun(options.results, {
    name: matrix.name,
    matrix: { file: info.matrix.file, text: matrix.text },
    options: { select: [], shard: null, jobs: options.jobs ?? null, kernel: null },
    cells: cells.map(({ id }) => id),
    ...{ trials: matrix.trials, sampling: matrix.sampling, version: version() },
  });
  const progress = { finished: new Set<string>(), lastMachine: 0 };
  await measure({ open, matrix, cells, progress, sampler: new Sampler(matrix.sampling) }, options, io);
  const stored = await readStoredRun(open.dir);
  const now = stored.summary.cells[0]!;
  const { lines, code } = verdict(subject, now, stored.info?.kernels[now.distro] ?? null);
  io.stdout.write(`${lines.map(escapeTerminal).join('\n')}\n`);
  io.setExitCode(code);
}

/** The new result beside the old one. */
export function verdict(
  { info, cell: then, kernel }: Pick<Subject, 'info' | 'cell' | 'kernel'>,
  now: CellSummary,
  kernelNow: Subject['kernel'],
): { readonly lines: readonly string[]; readonly code: 0 | 1 | 69 } {
  const lines = [
    then.id,
    `  then  ${cellWords(then)}  (${info.run})`,
    `  now   ${cellWords(now)}`,
    `  ${kernelWords(kernel, kernelNow, [then, now])}`,
  ];
  const [before, after] = [endOf(then), endOf(now)];
  if (after === null) return { lines: [...lines, 'Not measured.'], code: 69 };
  if (before === null) return { lines: [...lines, 'Then there was no trial to compare with.'], code: 1 };
  const code = before === after ? 0 : 1;
  if (before === 'crashed' || after === 'crashed')
    return { lines: [...lines, crashWords(before, after)], code };
  return { lines: [...lines, `${outcomeWords(then, now)}${differenceWords(then, now)}`], code };
}

type End = 'crashed' | 'failed' | 'froze';

/** The worst result of a cell; null when no trial says anything about its kernel. */
function endOf(cell: CellSummary): End | null {
  if (lostTrials(cell) > 0) return 'crashed';
  return cell.rate === null ? null : cell.rate < 1 ? 'failed' : 'froze';
}

function crashWords(then: End, now: End): string {
  if (now !== 'crashed') return 'Not reproduced: the kernel neither crashed nor hung.';
  return then === 'crashed'
    ? 'Reproduced: the kernel was lost again.'
    : 'Not as then: the kernel is lost now.';
}

function cellWords(cell: CellSummary): string {
  const { count, rate, time } = figures(cell);
  const lost = lostTrials(cell);
  const crashes = lost === 0 ? '' : `, the kernel lost in ${plural(lost, 'more trial')}`;
  return cell.rate === null
    ? (cell.notMeasured?.reason ?? 'no trial')
    : `${count} ${rate}${time === '-' ? '' : ` ${time} ms`}${crashes}`;
}

function outcomeWords(then: CellSummary, now: CellSummary): string {
  if (now.rate! < 1) return then.rate! < 1 ? 'Reproduced: it failed again.' : 'Not as then: it fails now.';
  if (then.rate === 1) return 'As then: it froze in every trial.';
  const chance = then.rate! ** now.trials;
  const words = chance < 0.001 ? 'less than 0.1 %' : `${(100 * chance).toPrecision(2)} %`;
  return `Not reproduced: it froze in every trial; at the former rate that happens in ${words} of such runs.`;
}

function differenceWords(then: CellSummary, now: CellSummary): string {
  const [a, b] = [then, now].map(({ rate, low, high }) => ({ rate: rate!, low: low!, high: high! }));
  const by = newcombe(a!, b!);
  const p = testBoots(then.clusters, now.clusters);
  const test = p === null ? 'one boot: no p' : `p = ${significant(p)}`;
  return ` Difference of the rates: ${signed(by.rate)} points [${signed(by.low)} to ${signed(by.high)}], ${test}.`;
}

function kernelWords(
  then: Subject['kernel'],
  now: Subject['kernel'],
  [before, after]: readonly [CellSummary, CellSummary],
): string {
  if (then !== null && now !== null)
    return then.sha256 === now.sha256
      ? `the same kernel image: ${now.name}, sha256 ${now.sha256.slice(0, 12)}`
      : `ANOTHER KERNEL: then ${then.name}, now ${now.name}`;
  const [a, b] = [before.releases.join(', '), after.releases.join(', ')];
  return a === b ? `the same release: ${b}` : `ANOTHER KERNEL: then ${a || 'unknown'}, now ${b || 'unknown'}`;
}
