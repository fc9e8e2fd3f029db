import { Command, Option } from 'commander';
import { FrostlineError } from '../errors.ts';
import type { DoctorOptions } from './doctor.ts';
import type { CleanOptions } from './clean.ts';
import type { CompareOptions } from './compare.ts';
import { addBisect } from './program-bisect.ts';
import { addHistory } from './program-history.ts';
import type { Io } from './io.ts';
import type { OnlineOptions } from './online.ts';
import type { PlanOptions } from './plan.ts';
import type { ExplainOptions } from './explain.ts';
import type { ReportOptions } from './report.ts';
import type { ReproOptions } from './repro.ts';
import type { RunOptions } from './run.ts';
import type { ShellOptions } from './shell.ts';

const exitCodes = `
Exit codes: 0 all as expected; 1 a cell missed what was expected of it, or its kernel crashed; 2 usage or
matrix error, nothing booted; 69 something was not measured, or not in full, and nothing else is wrong, with
check --online: a distro cannot be had; 70 a bug in frostline; 74 a results folder that cannot be read or written; 130/143 interrupted:
machines are down, --resume goes on.
With run --bisect: 125 in place of 69, 70 and 74, and where a rate is too near to what is expected; 128 for 2.`;

/** Collects a repeatable option. */
const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

function parseJobs(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 256) return jobs;
  throw new FrostlineError(`--jobs "${text}" is no number of machines.`, {
    code: 'usage',
    todo: 'Give a whole number from 1 to 256, or auto.',
  });
}

function parseTrials(text: string): number {
  const trials = Number(text);
  if (Number.isInteger(trials) && trials >= 1 && trials <= 100_000) return trials;
  throw new FrostlineError(`--trials "${text}" is no number of trials.`, {
    code: 'usage',
    todo: 'Give a whole number from 1 to 100000.',
  });
}

const results = (): Option => new Option('--results <dir>', 'folder of the runs').default('results');
const select = (): Option =>
  new Option(
    '--select <axis=name,...>',
    'only these cells, e.g. distro=debian-12,workload=sleep,spin',
  ).argParser(collect);

/**
 * The definitions of all commands; nothing runs before parsing. The code of a command is loaded only when it is called,
 * so that help and usage errors answer at once.
 */
export function createProgram(io: Io, version: string): Command {
  const program = new Command('frostline')
    .description(
      'Will this container freeze on this kernel? Boots real kernels and measures how often, how fast.',
    )
    .version(version)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .addHelpText('after', exitCodes);

  program
    .command('check')
    .description('check matrix files; boots nothing')
    .argument('<file...>', 'matrix files')
    .option('--online', 'ask whether the boxes, images, kernels and suites that they name can be had')
    .option('--hash', 'with --online: download each file that has a checksum, and compare')
    .option('--timeout <s>', 'with --online: seconds that a server may be silent; 15 by default')
    .option('--json', 'with --online: as one JSON document')
    .action(async (files: readonly string[], options: OnlineOptions) =>
      (await import('./check.ts')).check(files, options, io),
    );
  program
    .command('plan')
    .description('list the cells that a run would measure; boots nothing')
    .argument('<file>', 'matrix file')
    .option('--json', 'as one JSON document')
    .addOption(select())
    .option('--shard <i/n>', 'only the i-th of n parts, the same whatever else the matrix holds')
    .action(async (file: string, options: PlanOptions) =>
      (await import('./plan.ts')).plan(file, options, io),
    );
  program
    .command('run')
    .description('boot the kernels of a matrix, freeze in each of its cells, print the success rates')
    .argument('[file]', 'matrix file; none with --resume')
    .addOption(results())
    .option('--allow-local', "let the driver `local` freeze groups of this machine's own kernel")
    .option(
      '--jobs <n>',
      'machines at once; auto, the default, is eight for each core as far as memory allows',
      parseJobs,
    )
    .addOption(select())
    .option('--shard <i/n>', 'only the i-th of n parts')
    .option('--resume <run>', 'go on with an interrupted run: its id, `latest`, or its folder')
    .option('--kernel <kernel>', 'boot this in place of each kernel: a bzImage, or as a matrix names kernels')
    .option('--bisect', 'exit as `git bisect run` wants: 0 good, 1 bad, 125 cannot be told, 128 usage error')
    .action(async (file: string | undefined, options: RunOptions) =>
      (await import('./run.ts')).run(file, options, io),
    );
  program
    .command('report')
    .description('report a stored run from its records')
    .argument(
      '[run...]',
      'run id, latest, latest~1, a day, a matrix name, or a folder; several with --template',
      ['latest'],
    )
    .addOption(results())
    .addOption(
      new Option('--format <format>', 'how to write it')
        .choices(['terminal', 'json', 'markdown', 'csv', 'junit', 'tap', 'html'])
        .default('terminal'),
    )
    .addOption(
      new Option('--template <name>', 'release: for each kernel, which uses of its freezer work').choices([
        'release',
      ]),
    )
    .action(async (names: string[], options: ReportOptions) =>
      (await import('./report.ts')).report(names, options, io),
    );
  program
    .command('repro')
    .description('measure a cell of a stored run again: the same kernel, userland, workload and seeds')
    .argument('<run>', 'as of report, or a file that --bundle wrote')
    .argument('[cell]', 'DISTRO/CGROUP/RUNTIME/WORKLOAD/STRATEGY; * stands for anything')
    .addOption(results())
    .option('--trials <n>', 'number of trials; by default as many as in that run', parseTrials)
    .option('--jobs <n>', 'machines at once; by cores and memory otherwise', parseJobs)
    .option('--any-kernel', 'the newest kernel that the matrix names, not the version of that run')
    .option('--shell', 'leave the first trial that does not freeze as it is, and open a shell beside it')
    .option(
      '--bundle <file>',
      'write what another person needs to measure it (a tar archive), and measure nothing',
    )
    .action(async (name: string, cell: string | undefined, options: ReproOptions) =>
      (await import('./repro.ts')).repro(name, cell, options, io),
    );
  program
    .command('shell')
    .description('boot a distro of a matrix and open a shell in it')
    .argument('<distro>', 'its name in the matrix')
    .option('-m, --matrix <file>', 'the matrix', 'matrices/quick.yaml')
    .action(async (distro: string, options: ShellOptions) =>
      (await import('./shell.ts')).shell(distro, options, io),
    );
  addBisect(program, io, [
    results(),
    new Option('--jobs <n>', 'machines at once; by cores and memory otherwise').argParser(parseJobs),
  ]);
  program
    .command('compare')
    .description('say what got better or worse from one stored run to another')
    .argument('<base>', 'run id, latest~1, a day (its last run), a matrix name (its last run), or a folder')
    .argument('[head]', 'the same', 'latest')
    .addOption(results())
    .addOption(
      new Option('--format <format>', 'how to write it')
        .choices(['terminal', 'markdown', 'json'])
        .default('terminal'),
    )
    .option('--margin <points>', 'differences that are certainly smaller count as none', '20')
    .addOption(
      new Option(
        '--distro <old=new>',
        'compare distro OLD of base with NEW of head, and no others; both runs can be the same',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--earlier <run>',
        'compare cells that BASE did not finish with this earlier run; repeat for several, the newest first',
      ).argParser(collect),
    )
    .option(
      '--mixed',
      'compare cells that ran under other conditions, too (processors, parameters of the workload)',
    )
    .addOption(new Option('--fail-on <what>', 'exit with 1 when a cell is worse').choices(['worse']))
    .action(async (base: string, head: string, options: CompareOptions) =>
      (await import('./compare.ts')).compare(base, head, options, io),
    );
  program
    .command('explain')
    .description('say what most likely kept the cells of a run from FROZEN, and what helps')
    .argument('[run]', 'run id, latest, latest~1, a day, a matrix name, or a folder', 'latest')
    .argument(
      '[cell]',
      'DISTRO/CGROUP/RUNTIME/WORKLOAD/STRATEGY; * stands for anything; by default every cell',
    )
    .addOption(results())
    .addOption(
      new Option('--format <format>', 'how to write it').choices(['terminal', 'json']).default('terminal'),
    )
    .action(async (run: string, cell: string | undefined, options: ExplainOptions) =>
      (await import('./explain.ts')).explain(run, cell, options, io),
    );
  addHistory(program, io, results);
  program
    .command('doctor')
    .description('say what this host lacks and how to get it')
    .option('--kernels <suite>', 'list the cloud kernels that a Debian suite offers instead')
    .option('--probe', 'try KVM again, whatever was found before: boots a kernel under it')
    .action(async (options: DoctorOptions) => (await import('./doctor.ts')).doctor(options, io));
  program
    .command('clean')
    .description(
      'remove what interrupted runs left behind: machines, sockets, half-made downloads, changes of this host',
    )
    .option('--dry-run', 'only say what would be removed')
    .option('--cache', 'remove the cache too: packages, kernels, QEMU')
    .action(async (options: CleanOptions) => (await import('./clean.ts')).clean(options, io));
  program
    .command('schema')
    .description('print the JSON Schema of matrix files (matrices/schema.json)')
    .action(async () => (await import('./schema.ts')).schema(io));

  for (const command of program.commands) inherit(command, program);
  return program;
}

function inherit(command: Command, from: Command): void {
  command.exitOverride().copyInheritedSettings(from);
  for (const inner of command.commands) inherit(inner, command);
}
