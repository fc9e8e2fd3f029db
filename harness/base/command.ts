import { createInterface } from 'node:readline';
import { $ } from 'zx';
import { FrostlineError } from '../errors.ts';
import { processStart } from './owner.ts';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Called with each whole line of its stderr as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a short host command (argv, no shell words) to its end and gives its output whatever its exit
 * code. Rejects when it cannot be started, is aborted or takes longer than `timeoutMs` (10 min).
 */
export async function capture(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { cwd, env, input, signal, timeoutMs = 600_000, onLine } = options;
  signal?.throwIfAborted();
  const run = $({
    quiet: true,
    nothrow: true,
    detached: true,
    // without input its standard input is empty, not ours
    ...(input ? { input } : { stdio: ['ignore', 'pipe', 'pipe'] as const }),
    // depmod and mke2fs are where ordinary users do not look
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8', ...env },
    ...(cwd === undefined ? {} : { cwd }),
  })`${argv}`;
  if (onLine !== undefined) createInterface({ input: run.stderr }).on('line', onLine);
  // zx finds the children to kill with ps, which small hosts lack; they are a process group of their own
  let late = false;
  const leader = run.pid === undefined ? undefined : { pid: run.pid, start: processStart(run.pid) };
  const stop = (): void => killGroup(leader);
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, timeoutMs);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const output = await run;
    signal?.throwIfAborted();
    if (!late) return { code: output.exitCode, stdout: output.stdout, stderr: output.stderr };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
  throw new FrostlineError(`${argv[0]} did not end within ${timeoutMs / 1000} s: ${argv.join(' ')}`, {
    code: 'host',
  });
}

/**
 * Kills the group that a process leads or has led: its pid is not given away as long as the group has a member. Not
 * when another process has that pid, which shows that the group is gone.
 */
export function killGroup(
  leader: { readonly pid: number; readonly start: number | undefined } | undefined,
): void {
  if (leader === undefined) return;
  const { pid, start } = leader;
  const now = processStart(pid);
  if (now !== undefined && now !== start) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}

/** As `capture`, but a non-zero exit is an error that quotes the end of its stderr. Gives its stdout. */
export async function command(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await capture(argv, options);
  if (code === 0) return stdout;
  const tail = stderr.trim().split('\n').slice(-6).join('\n  ');
  throw new FrostlineError(`${argv.join(' ')} ended with ${code}:\n  ${tail || '(no message)'}`, {
    code: 'host',
    ...(code === 127 ? { todo: `Install ${argv[0]}; \`frostline doctor\` says from which package.` } : {}),
  });
}
