import { findMissingFiles } from '../matrix/files.ts';
import type { Finding } from '../matrix/finding.ts';
import { loadMatrixFile } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { countLeftOut, planCells } from '../plan/cells.ts';
import { formatFindings } from './matrix.ts';
import type { Io } from './io.ts';
import {
  answersJson,
  answersTable,
  canBeHad,
  openAsker,
  type FileAsked,
  type OnlineOptions,
} from './online.ts';

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function trialsOf({ sampling, trials }: Matrix, cells: number): string {
  const most = plural(cells * trials, 'trial');
  return sampling === null ? most : `${cells * sampling.min} to ${most}`;
}

/** A one-line summary of a matrix. */
function summarise(file: string, matrix: Matrix): string {
  let cells = 0;
  const distros = new Set<string>();
  for (const { distro } of planCells(matrix)) {
    cells++;
    distros.add(distro);
  }
  const amounts = [
    plural(cells, 'cell'),
    trialsOf(matrix, cells),
    plural(distros.size, 'distro'),
    `${matrix.sampling === null ? '' : 'at least '}${plural(distros.size * matrix.machines, 'machine')}`,
  ];
  const left = countLeftOut(matrix).map(
    ({ strategy, on, combinations }) => `${combinations} of ${strategy}, which is not for ${on}`,
  );
  const without = left.length === 0 ? '' : ` (left out: ${left.join('; ')})`;
  return `${file}: ${amounts.join(', ')}${without}`;
}

/**
 * `frostline check FILE...`: prints every finding with its position; exits with 2 when there is an error. With --online
 * it also checks whether everything the matrix names can be obtained: exits with 69 when a distro cannot.
 */
export async function check(files: readonly string[], options: OnlineOptions, io: Io): Promise<void> {
  const ask = openAsker(options, io);
  const asked: FileAsked[] = [];
  let isSound = true;
  for (const file of files) {
    const { matrix, sound } = await checkFile(file, options.json === true, io);
    if (!sound) isSound = false;
    if (ask === null || matrix === null) continue;
    const distros = await ask(matrix);
    asked.push({ file, matrix, distros });
    if (options.json !== true) io.stdout.write(answersTable(distros));
  }
  if (options.json === true) io.stdout.write(answersJson(asked));
  if (!isSound) io.setExitCode(2);
  else if (!asked.every(({ distros }) => canBeHad(distros))) io.setExitCode(69);
}

interface Checked {
  /** Null when it does not load. */
  readonly matrix: Matrix | null;
  readonly sound: boolean;
}

async function checkFile(file: string, quiet: boolean, io: Io): Promise<Checked> {
  const tell = (findings: readonly Finding[], text: string, severity: 'error' | 'warning'): void => {
    if (findings.length > 0) io.stderr.write(`${formatFindings(findings, text, severity)}\n`);
  };
  const loaded = await loadMatrixFile(file);
  const errors = loaded.ok ? await findMissingFiles(loaded.matrix, file) : loaded.findings;
  tell(errors, loaded.text, 'error');
  if (!loaded.ok) return { matrix: null, sound: false };
  const { matrix, warnings, text } = loaded;
  tell(warnings, text, 'warning');
  const sound = errors.length === 0;
  if (sound && !quiet) io.stdout.write(`${summarise(file, matrix)}\n`);
  return { matrix, sound };
}
