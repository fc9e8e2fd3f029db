/**
 * The known kinds of failure: each prints as sentences, never as a stack trace. Anything else that is
 * thrown is a bug in frostline (exit code 70).
 */
export type ErrorCode =
  /** Wrong arguments on the command line. Exit 2. */
  | 'usage'
  /** A matrix that does not load or is inconsistent. Exit 2. */
  | 'matrix'
  /** Something this host lacks: a program, a permission, memory, disk space. Exit 69. */
  | 'host'
  /** A kernel or package that could not be obtained. Exit 69. */
  | 'kernel'
  /** A machine that did not boot, did not answer or was lost. Exit 69. */
  | 'machine'
  /** Output of the guest that violates the protocol. Exit 69. */
  | 'protocol'
  /** A results folder that cannot be read or written. Exit 74. */
  | 'results';

const exitCodes: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  matrix: 2,
  host: 69,
  kernel: 69,
  machine: 69,
  protocol: 69,
  results: 74,
};

export interface ErrorDetails {
  readonly code: ErrorCode;
  /** What to do about it, as one or more sentences. */
  readonly todo?: string;
  readonly cause?: unknown;
}

/** A failure of a known kind: `message` says what is and what was expected, `todo` what to do. */
export class FrostlineError extends Error {
  override readonly name = 'FrostlineError';
  readonly code: ErrorCode;
  readonly todo: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.todo = details.todo;
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

/** The text of any thrown value: its message, and on an indented line what to do if that is known. */
export function sentence(error: unknown): string {
  if (error instanceof FrostlineError) {
    return error.todo === undefined ? error.message : `${error.message}\n  ${error.todo}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Like `sentence`, on one line: for the reason in a record or a line of a log. */
export const inOneLine = (error: unknown): string =>
  sentence(error)
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ');
