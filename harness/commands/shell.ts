import { FrostlineError } from '../errors.ts';
import type { Machine, Shell } from '../lab/machine.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { planCells } from '../plan/cells.ts';
import { escapeTerminal } from '../report/escape.ts';
import { toTask } from '../trial/ask.ts';
import type { Kept } from '../trial/protocol.ts';
import type { TrialRequest } from '../trial/request.ts';
import { Session } from '../trial/session.ts';
import type { Io } from './io.ts';
import { requireMatrix } from './matrix.ts';
import { bootOne } from './one.ts';
import type { Subject } from './subject.ts';

export interface ShellOptions {
  readonly matrix: string;
}

/**
 * `frostline shell DISTRO`: boots a machine of a matrix and opens a shell in it. Exits with the shell's code, after
 * shutting down the machine.
 */
export async function shell(distro: string, { matrix: file }: ShellOptions, io: Io): Promise<void> {
  await using machine = await bootOne(await requireMatrix(file, io), { distro }, io);
  tell(io, `${distro}, ${machine.release}: a shell in it; the machine is gone when you leave.`);
  await attach(machine, io);
}

/** Maximum number of trials started to find one that does not freeze. */
const maxTrials = 100;

/**
 * `frostline repro --shell`: a trial of the cell, left in the state in which its strategy ended, and a shell beside it.
 */
export async function shellInTrial({ matrix, cell }: Subject, io: Io): Promise<void> {
  const [planned] = planCells(matrix);
  if (planned === undefined || requestOf(matrix, planned, 0) === null)
    throw new FrostlineError(`${cell.id} is a sequence: it has no moment to look at.`, {
      code: 'usage',
      todo: 'Leave --shell out; the report tells which step failed.',
    });
  await using machine = await bootOne(matrix, planned, io);
  await machine.setUp?.(planned.cgroup, io.signal);
  await using session = await Session.open(machine, io.signal);
  const { frozen, group, trial } = await keepStuck(session, { matrix, planned }, io);
  const state = frozen
    ? `FROZEN was reached in each of ${trial + 1} trials, and this is the last`
    : `FROZEN was not reached in trial ${trial}`;
  tell(
    io,
    `${cell.id} on ${machine.release}: ${state}. Nothing is thawed while you look; the machine is gone when you leave.`,
  );
  tell(io, `its group: ${group}`);
  await attach(machine, io);
}

/** Runs trials with their original seeds until one does not freeze, or to the last; leaves that one as it is. */
async function keepStuck(
  session: Session,
  { matrix, planned }: { readonly matrix: Matrix; readonly planned: Cell },
  io: Io,
): Promise<Kept> {
  const trials = Math.min(matrix.trials, maxTrials);
  for (let trial = 0; ; trial++) {
    const came = await session.keep(requestOf(matrix, planned, trial)!, io.signal);
    if (came.ev === 'result') {
      const why = came.reason === null ? '' : `, ${came.reason}`;
      throw new FrostlineError(`The trial never reached its freeze: ${came.outcome}${why}.`, {
        code: 'machine',
      });
    }
    if (!came.frozen || trial + 1 >= trials) return came;
  }
}

/** The request of a cell's trial; null for a sequence. */
function requestOf(matrix: Matrix, planned: Cell, trial: number): TrialRequest | null {
  const request = toTask(matrix, planned, trial)?.request;
  return request === undefined || 'steps' in request ? null : request;
}

const tell = (io: Io, text: string): void => void io.stderr.write(`frostline: ${escapeTerminal(text)}\n`);

/** Connects standard input and output to a shell until it ends; uses a terminal there when there is one here. */
async function attach(machine: Machine, io: Io): Promise<void> {
  const { stdin, stdout, stderr } = io;
  if (machine.shell === undefined || stdin === undefined)
    throw new FrostlineError(
      `${machine.facts.driver} gives no shell: this machine is reached by your own means.`,
      {
        code: 'usage',
      },
    );
  const terminal = stdin.isTTY ? { term: io.env['TERM'] ?? 'dumb', ...sizeOf(io) } : null;
  const shell = await machine.shell(terminal);
  const resize = (): void => {
    const { rows, columns } = sizeOf(io);
    shell.resize(rows, columns);
  };
  const end = (): void => shell.end();
  const abort = (): void => void shell.stream.destroy();
  if (terminal !== null) stdin.setRawMode(true).on('error', abort);
  stdout.on('resize', resize);
  io.signal.addEventListener('abort', abort, { once: true });
  stdin.pipe(shell.stream, { end: false });
  stdin.once('end', end);
  shell.stream.pipe(stdout, { end: false });
  shell.stderr.pipe(stderr, { end: false });
  try {
    await finish(shell, io);
  } finally {
    stdin.unpipe(shell.stream).off('end', end).pause();
    if (terminal !== null) stdin.setRawMode(false);
    stdout.off('resize', resize);
    io.signal.removeEventListener('abort', abort);
  }
}

function sizeOf({ stdout }: Io): { readonly rows: number; readonly columns: number } {
  return 'rows' in stdout && stdout.isTTY ? stdout : { rows: 24, columns: 80 };
}

async function finish({ ended }: Shell, io: Io): Promise<void> {
  const end = await ended;
  io.signal.throwIfAborted();
  if (end.kind === 'lost') throw new FrostlineError(`The shell is gone: ${end.reason}`, { code: 'machine' });
  io.setExitCode(end.code ?? 128);
}
