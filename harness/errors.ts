/**
 * The kinds of failure that frostline knows: each prints as sentences, never as a stack. Anything else
 * that is thrown is a bug in frostline (exit code 70).
 */
export type ErrorCode =
  /** Wrong words on the command line. Exit 2. */
  | 'usage'
  /** A matrix that does not load or does not hold together. Exit 2. */
  | 'matrix'
  /** Something this host lacks: a program, a right, memory, disk. Exit 69. */
  | 'host'
  /** A kernel or package that could not be had. Exit 69. */
  | 'kernel'
  /** A machine that did not boot, answer or stay. Exit 69. */
  | 'machine'
  /** Words from the guest that are not the protocol. Exit 69. */
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

/** The sentence of any thrown value: a known error with what to do, others by their message. */
export function sentence(error: unknown): string {
  if (error instanceof FrostlineError) {
    return error.todo === undefined ? error.message : `${error.message}\n  ${error.todo}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** The same in one line, for what keeps or prints one: a reason in a record, a line of a log. */
export const inOneLine = (error: unknown): string =>
  sentence(error)
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ');
