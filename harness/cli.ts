#!/usr/bin/env node
import { closeSync, readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { CommanderError } from 'commander';
import { bisectCode } from './commands/bisect.ts';
import { printable, type Io } from './commands/io.ts';
import { createProgram } from './commands/program.ts';
import { FrostlineError, sentence } from './errors.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Aborts when the reader of standard output is gone. */
const unread = new AbortController();

const signalNumbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/**
 * Runs the command line; resolves to the exit code. The first signal shuts down in order, the second exits at once;
 * except SIGHUP, which a closing terminal sends more than once.
 */
async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  let code = 0;
  for (const [signal, number] of Object.entries(signalNumbers)) {
    process.on(signal, () => {
      if (stop.signal.aborted && signal !== 'SIGHUP') process.exit(128 + number);
      if (stop.signal.aborted) return;
      code = 128 + number;
      stop.abort(new Interrupted(signal));
    });
  }
  const io: Io = {
    // a getter, because merely accessing process.stdin opens it
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: stop.signal,
    unread: unread.signal,
    setExitCode: (next) => {
      if (!stop.signal.aborted) code = next;
    },
  };
  try {
    await createProgram(io, version).parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (stop.signal.aborted) return code;
    if (error instanceof FrostlineError) {
      io.stderr.write(`frostline: ${printable(sentence(error))}\n`);
      return error.exitCode;
    }
    // a command that only prints lost its reader (`frostline plan | head`), which is no error
    if (unread.signal.aborted && isAbort(error)) return code;
    io.stderr.write(bugText(error));
    return 70;
  }
}

const isAbort = (error: unknown): boolean =>
  error === unread.signal.reason ||
  (error instanceof Error && ['AbortError', 'EPIPE'].includes(errorCode(error)));

const errorCode = (error: NodeJS.ErrnoException): string =>
  error.name === 'AbortError' ? error.name : (error.code ?? '');

/** Why the run was told to stop. */
class Interrupted extends Error {
  constructor(signal: string) {
    super(`interrupted by ${signal}`);
  }
}

/** With `--bisect`, the exit code for `git bisect run`. Mapped here so that usage errors and bugs are covered too. */
const exitCode = (code: number): number => (process.argv.includes('--bisect') ? bisectCode(code) : code);

const bugText = (error: unknown): string =>
  `frostline: a bug in frostline; please report it with this stack:\n${printable(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`;

// Node's own exit code would be 1, which means an unmet expectation; machines end with their controller
process.on('uncaughtException', (error) => {
  process.stderr.write(bugText(error));
  process.exit(exitCode(70));
});

// a reader that goes away ends commands that only print; it does not affect a run or its exit code
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') unread.abort(error);
  else if (error.code !== 'EIO') throw error;
});
// nor does losing the reader of stderr; a closed terminal (EIO) has sent SIGHUP, which shuts down in order
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EIO' && error.code !== 'EPIPE') throw error;
});

// Node aborts when it cannot reset a terminal that is gone (ResetStdio in its node.cc), but skips closed descriptors
const terminals = [0, 1, 2].filter((fd) => isatty(fd));
process.on('exit', () => {
  for (const fd of terminals) if (!isatty(fd)) closeSync(fd);
});

process.exitCode = exitCode(await main(process.argv));
