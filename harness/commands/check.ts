import { findMissingFiles } from '../matrix/files.ts';
import type { Finding } from '../matrix/finding.ts';
import { loadMatrixFile } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { countLeftOut, planCells } from '../plan/cells.ts';
import { formatFindings } from './matrix.ts';
import type { Io } from './io.ts';

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function trialsOf({ sampling, trials }: Matrix, cells: number): string {
  const most = plural(cells * trials, 'trial');
  return sampling === null ? most : `${cells * sampling.min} to ${most}`;
}

/** What a matrix amounts to, in one line. */
function summarise(file: string, matrix: Matrix): string {
  let cells = 0;
  for (const _ of planCells(matrix)) cells++;
  const amounts = [
    plural(cells, 'cell'),
    trialsOf(matrix, cells),
    plural(matrix.distros.size, 'distro'),
    `${matrix.sampling === null ? '' : 'at least '}${plural(matrix.distros.size * matrix.machines, 'machine')}`,
  ];
  const left = countLeftOut(matrix).map(
    ({ strategy, on, combinations }) => `${combinations} of ${strategy}, which is not for ${on}`,
  );
  const without = left.length === 0 ? '' : ` (left out: ${left.join('; ')})`;
  return `${file}: ${amounts.join(', ')}${without}`;
}

/** `frostline check FILE...`: every finding with its place; exit 2 when there is an error. */
export async function check(files: readonly string[], io: Io): Promise<void> {
  for (const file of files) if (!(await checkFile(file, io))) io.setExitCode(2);
}

async function checkFile(file: string, io: Io): Promise<boolean> {
  const tell = (findings: readonly Finding[], text: string, severity: 'error' | 'warning'): void => {
    if (findings.length > 0) io.stderr.write(`${formatFindings(findings, text, severity)}\n`);
  };
  const loaded = await loadMatrixFile(file);
  const errors = loaded.ok ? await findMissingFiles(loaded.matrix, file) : loaded.findings;
  tell(errors, loaded.text, 'error');
  if (!loaded.ok) return false;
  tell(loaded.warnings, loaded.text, 'warning');
  if (errors.length === 0) io.stdout.write(`${summarise(file, loaded.matrix)}\n`);
  return errors.length === 0;
}
