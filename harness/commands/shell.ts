import { FrostlineError } from '../errors.ts';
import type { Machine, Shell } from '../lab/machine.ts';
import { planCells } from '../plan/cells.ts';
import { escapeTerminal } from '../report/escape.ts';
import { toTask } from '../trial/ask.ts';
import { Session } from '../trial/session.ts';
import type { Io } from './io.ts';
import { requireMatrix } from './matrix.ts';
import { bootOne } from './one.ts';
import type { Subject } from './subject.ts';

export interface ShellOptions {
  readonly matrix: string;
}

/** `frostline shell DISTRO`: a machine of a matrix, and a shell in it. Exits as the shell does; the machine is gone then. */
export async function shell(distro: string, { matrix: file }: ShellOptions, io: Io): Promise<void> {
  await using machine = await bootOne(await requireMatrix(file, io), distro, io);
  tell(io, `${distro}, ${machine.release}: a shell in it; the machine is gone when you leave.`);
  await attach(machine, io);
}

/** `frostline repro --shell`: a trial of the cell, left as its strategy left it, and a shell beside it. */
export async function shellInTrial({ matrix, cell }: Subject, io: Io): Promise<void> {
  const [planned] = planCells(matrix);
  const task = planned === undefined ? null : toTask(matrix, planned, 0);
  if (task === null || 'steps' in task.request)
    throw new FrostlineError(`${cell.id} is a sequence: it has no moment to look at.`, {
      code: 'usage',
      todo: 'Leave --shell out; the report tells which step failed.',
    });
  await using machine = await bootOne(matrix, cell.distro, io);
  await using session = await Session.open(machine, io.signal);
  const came = await session.keep(task.request, io.signal);
  if (came.ev === 'result')
    throw new FrostlineError(
      `The trial came to no freeze: ${came.outcome}${came.reason === null ? '' : `, ${came.reason}`}.`,
      {
        code: 'machine',
      },
    );
  const state = came.frozen ? 'FROZEN was reached: this trial went well' : 'FROZEN was not reached';
  tell(
    io,
    `${cell.id} on ${machine.release}: ${state}. Nothing is thawed while you look; the machine is gone when you leave.`,
  );
  tell(io, `its group: ${came.group}`);
  await attach(machine, io);
}

const tell = (io: Io, text: string): void => void io.stderr.write(`frostline: ${escapeTerminal(text)}\n`);

/** Joins a person's terminal and a shell until that ends. */
async function attach(machine: Machine, io: Io): Promise<void> {
  if (machine.shell === undefined || io.stdin === undefined)
    throw new FrostlineError(
      `${machine.facts.driver} gives no shell: this machine is reached by your own means.`,
      {
        code: 'usage',
      },
    );
  const { stdin, stdout } = io;
  const size = (): [rows: number, columns: number] =>
    'rows' in stdout && stdout.isTTY ? [stdout.rows, stdout.columns] : [24, 80];
  const [rows, columns] = size();
  const opened = await machine.shell({ term: io.env['TERM'] ?? 'dumb', rows, columns });
  const resize = (): void => opened.resize(...size());
  const abort = (): void => void opened.stream.destroy();
  stdout.on('resize', resize);
  io.signal.addEventListener('abort', abort, { once: true });
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.pipe(opened.stream);
  opened.stream.pipe(stdout, { end: false });
  try {
    await finish(opened, io);
  } finally {
    stdin.unpipe(opened.stream);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    stdout.off('resize', resize);
    io.signal.removeEventListener('abort', abort);
  }
}

async function finish({ ended }: Shell, io: Io): Promise<void> {
  const end = await ended;
  io.signal.throwIfAborted();
  if (end.kind === 'lost') throw new FrostlineError(`The shell is gone: ${end.reason}`, { code: 'machine' });
  io.setExitCode(end.code ?? 128);
}
