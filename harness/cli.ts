#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { FrostlineError, sentence } from './errors.ts';
import type { Io } from './commands/io.ts';
import { register as check } from './commands/check.ts';
import { register as clean } from './commands/clean.ts';
import { register as doctor } from './commands/doctor.ts';
import { register as plan } from './commands/plan.ts';
import { register as report } from './commands/report.ts';
import { register as run } from './commands/run.ts';
import { register as schema } from './commands/schema.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const exitCodes = `
Exit codes: 0 all as expected; 1 a cell missed what was expected of it; 2 usage or matrix error, nothing
booted; 69 something could not be measured and nothing was missed; 70 a bug in frostline; 74 a results
folder that cannot be read or written; 130/143 interrupted: machines are down, --resume goes on.`;

/** Builds the program; nothing runs until it parses. */
export function createProgram(io: Io): Command {
  const program = new Command('frostline')
    .description(
      'Will this container freeze on this kernel? Boots real kernels and measures how often, how fast.',
    )
    .version(version)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .addHelpText('after', exitCodes);
  for (const register of [check, plan, run, report, doctor, clean, schema]) register(program, io);
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  return program;
}

const signalNumbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/** Runs the command line; resolves with the exit code. The first signal stops in order, the second at once. */
async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  let code = 0;
  for (const [signal, number] of Object.entries(signalNumbers)) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(128 + number);
      code = 128 + number;
      stop.abort(new Interrupted(signal));
    });
  }
  const io: Io = {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: stop.signal,
    setExitCode: (next) => {
      if (!stop.signal.aborted) code = next;
    },
  };
  try {
    await createProgram(io).parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (stop.signal.aborted) return code;
    if (error instanceof FrostlineError) {
      io.stderr.write(`frostline: ${sentence(error)}\n`);
      return error.exitCode;
    }
    io.stderr.write(`frostline: a bug in frostline; please report it with this stack:\n${bugText(error)}\n`);
    return 70;
  }
}

/** Why the run was told to stop. */
class Interrupted extends Error {
  constructor(signal: string) {
    super(`interrupted by ${signal}`);
  }
}

const bugText = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

// a reader that goes away (`frostline plan | head`) is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await main(process.argv);
