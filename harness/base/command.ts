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
  /** Called with each complete line of stderr as it arrives. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a short host command (argv, no shell) to its end and returns its output, whatever its exit code.
 * Rejects when it cannot be started, is aborted or takes longer than `timeoutMs` (default 10 min).
 */
export async function capture(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { cwd, env, input, signal, timeoutMs = 600_000, onLine } = options;
  signal?.throwIfAborted();
  const run = $({
    quiet: true,
    nothrow: true,
    detached: true,
    // without input, stdin is empty rather than inherited
    ...(input ? { input } : { stdio: ['ignore', 'pipe', 'pipe'] as const }),
    // depmod and mke2fs are in sbin, which is not on an ordinary user's PATH
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8', ...env },
    ...(cwd === undefined ? {} : { cwd }),
  })`${argv}`;
  if (onLine !== undefined) createInterface({ input: run.stderr }).on('line', onLine);
  // zx finds the children to kill with ps, which small hosts lack; so kill their own process group instead
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
 * Kills the process group that `leader` leads or led. The kernel does not reuse its pid while the group has a member;
 * so if another process (another start time) has that pid, the group is gone and nothing is killed.
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
    // the group has already ended
  }
}

/** Like `capture`, but a non-zero exit code is an error that quotes the end of stderr. Returns stdout. */
export async function command(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await capture(argv, options);
  if (code === 0) return stdout;
  const tail = stderr.trim().split('\n').slice(-6).join('\n  ');
  throw new FrostlineError(`${argv.join(' ')} ended with ${code}:\n  ${tail || '(no message)'}`, {
    code: 'host',
    ...(code === 127 ? { todo: `Install ${argv[0]}; \`frostline doctor\` says from which package.` } : {}),
  });
}
