import { Option, type Command } from 'commander';
import { FrostlineError } from '../errors.ts';
import { suites } from '../matrix/suites.ts';
import type { BisectOptions } from './bisect-kernels.ts';
import type { Io } from './io.ts';

const known = ['bullseye', 'bookworm', 'trixie', 'trixie-backports', 'sid'];

function parseRate(text: string): number {
  const rate = Number(text);
  if (rate > 0 && rate < 1) return rate;
  throw new FrostlineError(`"${text}" is no rate.`, {
    code: 'usage',
    todo: 'Give a number between 0 and 1.',
  });
}

const suite = new Option('--suite <name...>', "of Debian's archive").choices(suites).default(known);

/** Adds the command `frostline bisect`. */
export function addBisect(program: Command, io: Io, shared: readonly Option[]): void {
  const command = program
    .command('bisect')
    .description("find the first of Debian's kernels that does not freeze a workload as those before did")
    .requiredOption('--workload <name>', 'as in a matrix')
    .requiredOption('--strategy <preset>', 'as in a matrix: single, rewrite, runc, criu, criu-4.1')
    .option('--cgroup <version>', 'v1, v2 or hybrid', 'v1')
    .option('--runtime <name>', 'what the workload runs in', 'none')
    .option('--userland <suite>', 'where the runtime comes from, e.g. deb:trixie')
    .option('--good <version>', 'the oldest to look at: the beginning of its version, e.g. 5.10')
    .option('--bad <version>', 'the newest to look at, e.g. 6.1')
    .addOption(suite)
    .addOption(new Option('--good-rate <rate>', 'of a good kernel').argParser(parseRate).default(0.98))
    .addOption(new Option('--bad-rate <rate>', 'of a bad one').argParser(parseRate).default(0.8));
  for (const option of shared) command.addOption(option);
  command.action(async (options: BisectOptions) =>
    (await import('./bisect-kernels.ts')).bisectKernels(options, io),
  );
}
