import { escapeTerminal } from '../report/escape.ts';

/** What a command may touch of the world outside its arguments. */
export interface Io {
  /** Data. */
  readonly stdout: NodeJS.WriteStream | NodeJS.WritableStream;
  /** Talk. */
  readonly stderr: NodeJS.WriteStream | NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  /** What is typed; asked for only by what reads it. */
  readonly stdin?: NodeJS.ReadStream;
  /** Aborts on the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Aborts once nobody reads standard output any more: what only prints ends, and all else goes on. */
  readonly unread?: AbortSignal;
  /** The exit code once the command is done; 0 unless set. */
  readonly setExitCode: (code: number) => void;
}

/** Until when there is somebody to write for. */
export const whileRead = ({ signal, unread }: Io): AbortSignal =>
  unread === undefined ? signal : AbortSignal.any([signal, unread]);

/** Whether stdout is a terminal that wants colours (https://no-color.org). */
export const isColoured = ({ stdout, env }: Io): boolean =>
  'isTTY' in stdout && stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';

/** Columns that a line of stdout may have. */
export const widthOf = ({ stdout }: Io): number =>
  'isTTY' in stdout && stdout.isTTY ? Math.max(80, stdout.columns) : 150;

/** Text of several lines for a terminal: what a guest, a host or a file says in it is shown, and does not act. */
export const printable = (text: string): string => text.replaceAll(/[^\n\t]+/g, escapeTerminal);
