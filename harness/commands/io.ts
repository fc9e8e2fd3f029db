import { escapeTerminal } from '../report/escape.ts';

/** What a command may use of the outside world besides its arguments. */
export interface Io {
  /** For results. */
  readonly stdout: NodeJS.WriteStream | NodeJS.WritableStream;
  /** For messages. */
  readonly stderr: NodeJS.WriteStream | NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  /** Typed input; only read by commands that need it. */
  readonly stdin?: NodeJS.ReadStream;
  /** Aborts on the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Aborts when nobody reads standard output any more: commands that only print then end, all others go on. */
  readonly unread?: AbortSignal;
  /** Sets the exit code of the finished command; 0 by default. */
  readonly setExitCode: (code: number) => void;
}

/** A signal that aborts when the command is stopped or its output is no longer read. */
export const whileRead = ({ signal, unread }: Io): AbortSignal =>
  unread === undefined ? signal : AbortSignal.any([signal, unread]);

/** Whether stdout is a terminal that wants colours (https://no-color.org). */
export const isColoured = ({ stdout, env }: Io): boolean =>
  'isTTY' in stdout && stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';

/** The width of a line on stdout, in columns. */
export const widthOf = ({ stdout }: Io): number =>
  'isTTY' in stdout && stdout.isTTY ? Math.max(80, stdout.columns) : 150;

/** Escapes multi-line text for a terminal, so that words of a guest, a host or a file are shown and have no effect. */
export const printable = (text: string): string => text.replaceAll(/[^\n\t]+/g, escapeTerminal);
