import type { Command } from 'commander';
import { loadMatrixFile } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { planCells } from '../plan/cells.ts';
import { formatFinding } from './matrix.ts';
import type { Io } from './io.ts';

/** What a matrix amounts to, in one line. */
function summarise(file: string, matrix: Matrix): string {
  let cells = 0;
  for (const _ of planCells(matrix)) cells++;
  const trials = cells * matrix.trials;
  const kernels = matrix.distros.size;
  return `${file}: ${cells} cells, ${trials} trials, ${kernels} ${kernels === 1 ? 'distro' : 'distros'}, ${kernels * matrix.machines} machines`;
}

/** `frostline check FILE...`: every finding with its place; exit 2 when there is one. */
export function register(program: Command, io: Io): void {
  program
    .command('check')
    .description('check matrix files; boots nothing')
    .argument('<file...>', 'matrix files')
    .action(async (files: readonly string[]) => {
      for (const file of files) {
        const loaded = await loadMatrixFile(file);
        if (loaded.ok) {
          io.stdout.write(`${summarise(file, loaded.matrix)}\n`);
          continue;
        }
        for (const finding of loaded.findings) io.stderr.write(`${formatFinding(finding, loaded.text)}\n`);
        io.setExitCode(2);
      }
    });
}
