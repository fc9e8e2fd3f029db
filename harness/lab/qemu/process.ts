import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../base/deadline.ts';
import { self } from '../../base/owner.ts';
import { runtimeDir } from '../../base/paths.ts';
import type { Scope } from '../../base/scope.ts';
import { FrostlineError } from '../../errors.ts';
import { boundLog, tail, type BoundedLog } from '../console.ts';
import { machineVariable } from '../processes.ts';
import type { QemuBinary } from './binary.ts';
import { parseForward, Qmp } from './qmp.ts';
import { RunStates } from './states.ts';

/** What a QEMU process is started with, and where it logs. */
export interface ProcessPlan {
  readonly id: string;
  readonly qemu: QemuBinary;
  /** The file the serial console is written to. */
  readonly console: string;
  readonly signal: AbortSignal;
}

/** A QEMU process. */
export interface Child {
  readonly process: ChildProcess;
  /** How it ended, once it has. */
  over: string | undefined;
}

/** A QEMU whose monitor answers. */
export interface Started {
  readonly child: Child;
  readonly qmp: Qmp;
  readonly states: RunStates;
  readonly log: BoundedLog;
  /** The host port of the guest's SSH. */
  readonly port: number;
}

/** The name of the monitor's socket in a machine's folder. */
export const monitorSocket = (dir: string): string => join(dir, 'qmp');

/** Makes a private folder for a machine, marked with its owner, to be found after a crash; the scope removes it. */
export async function makeMachineFolder(
  { run, id }: { readonly run: string; readonly id: string },
  scope: Scope,
): Promise<string> {
  const dir = await mkdtemp(join(runtimeDir(), 'vm-'));
  scope.defer(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, 'owner.json'), JSON.stringify({ ...self(), run, machine: id }));
  return dir;
}

/** Starts QEMU and opens its monitor; the scope takes both down. */
export async function startMachine(
  plan: ProcessPlan,
  of: { readonly dir: string; readonly args: readonly string[]; readonly scope: Scope },
): Promise<Started> {
  const { dir, args, scope } = of;
  // a controller that was killed can have left the log of another machine of this name
  await rm(plan.console, { force: true });
  const log = boundLog(plan.console);
  scope.defer(() => log[Symbol.dispose]());
  const child = startQemu(plan, dir, args);
  scope.defer(() => endProcess(child.process));
  const qmp = await openMonitor(plan, child, dir);
  const states = new RunStates(qmp);
  scope.defer(() => qmp[Symbol.dispose]());
  scope.defer(() => qmp.execute('quit', {}, 2000).catch(() => undefined));
  return { child, qmp, states, log, port: await forwardedPort(plan, qmp) };
}

function openMonitor(plan: ProcessPlan, child: Child, dir: string): Promise<Qmp> {
  const deadline = { ms: 15_000, what: `${plan.id}: QEMU's monitor`, signal: plan.signal };
  return until(deadline, 10, () => {
    if (child.over !== undefined) throw notBooted(plan, child.over);
    return Qmp.open(monitorSocket(dir)).catch(() => undefined);
  });
}

/** The host port that QEMU chose for the guest's SSH. */
async function forwardedPort(plan: ProcessPlan, qmp: Qmp): Promise<number> {
  const usernet = String(await qmp.execute('human-monitor-command', { 'command-line': 'info usernet' }));
  const port = parseForward(usernet);
  if (port === undefined) throw notBooted(plan, `no forwarded port in "${usernet}"`);
  return port;
}

/** The end of a console's log, for an error message. */
export const lastLines = async (file: string): Promise<string> =>
  (await tail(file, 2000)).trim().split('\n').slice(-8).join('\n  ');

/** Why a machine did not come up, and where to read more. */
export const notBooted = (plan: ProcessPlan, why: string): FrostlineError =>
  new FrostlineError(`${plan.id} did not boot: ${why}`, {
    code: 'machine',
    todo: `Its console is in ${plan.console}.`,
  });

function startQemu(plan: ProcessPlan, dir: string, args: readonly string[]): Child {
  // a session of its own keeps Ctrl-C from reaching QEMU before the run has taken it down in order;
  // the kernel kills it should this process die
  const [program, ...rest] = ['setpriv', '--pdeathsig', 'KILL', '--', ...plan.qemu.argv, ...args];
  const child = spawn(program, rest, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...plan.qemu.env, [machineVariable]: `${dir}/` },
  });
  const state: Child = { process: child, over: undefined };
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr = (stderr + data.toString('utf8')).slice(-4000);
  });
  child.on('error', (error) => {
    state.over ??= `QEMU could not be started: ${error.message}`;
  });
  child.on('exit', (code, signal) => {
    const words = stderr.trim();
    state.over ??= `QEMU ended with ${signal ?? `code ${code}`}${words === '' ? '' : `: ${words}`}`;
  });
  return state;
}

/** Waits for a process that was asked to quit; if it does not, sends SIGTERM, then SIGKILL. */
async function endProcess(child: ChildProcess): Promise<void> {
  const gone = (): true | undefined =>
    child.exitCode !== null || child.signalCode !== null || child.pid === undefined ? true : undefined;
  for (const signal of [undefined, 'SIGTERM', 'SIGKILL'] as const) {
    if (signal !== undefined) child.kill(signal);
    const ended = await until({ ms: 2000, what: 'QEMU to end' }, 10, gone).catch(() => undefined);
    if (ended) return;
  }
}
