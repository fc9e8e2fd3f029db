import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until, within } from '../../base/deadline.ts';
import { self } from '../../base/owner.ts';
import { runtimeDir } from '../../base/paths.ts';
import { Scope } from '../../base/scope.ts';
import { FrostlineError, sentence } from '../../errors.ts';
import { readFacts, tail, waitForLine } from '../console.ts';
import type { MachineFacts } from '../facts.ts';
import type { Channel, Condition, Machine } from '../machine.ts';
import { Remote } from '../remote.ts';
import { joinInitrd } from '../rootfs/image.ts';
import { makeKeys } from '../rootfs/keys.ts';
import type { QemuBinary } from './binary.ts';
import * as device from './devices.ts';
import type { Hardware } from './hardware.ts';
import { parseForward, Qmp } from './qmp.ts';

/** Everything a QEMU machine is made of. */
export interface MachinePlan {
  readonly id: string;
  readonly run: string;
  readonly qemu: QemuBinary;
  readonly accelerator: device.Accelerator;
  readonly kernel: string;
  readonly initrd: { readonly base: string; readonly modules: string };
  readonly hardware: Hardware;
  /** The image of the disk that is the guest's root; null: it stays in the initrd. */
  readonly root: string | null;
  /** The userland on it, as the matrix names it. */
  readonly userland: string | null;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly cmdline: string | null;
  /** The file the serial console is written to. */
  readonly console: string;
  readonly bootTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** The line on the console that says that SSH answers. */
export const readyMarker = 'frostline: ready';

/** Starts QEMU and waits until the guest answers over SSH with the pinned host key. */
export async function bootMachine(plan: MachinePlan): Promise<QemuMachine> {
  const scope = new Scope();
  try {
    const dir = await mkdtemp(join(runtimeDir(), 'vm-'));
    scope.defer(() => rm(dir, { recursive: true, force: true }));
    await writeFile(join(dir, 'owner.json'), JSON.stringify({ ...self(), run: plan.run, machine: plan.id }));
    const keys = makeKeys();
    const initrd = await joinInitrd(dir, plan.initrd, keys);
    const child = startQemu(plan, dir, initrd);
    scope.defer(() => endProcess(child.process));
    const qmp = await openMonitor(plan, child, dir);
    scope.defer(() => qmp[Symbol.dispose]());
    scope.defer(() => qmp.execute('quit', {}, 2000).catch(() => undefined));
    const port = await forwardedPort(plan, qmp);
    await waitUntilReady(plan, child);
    // the guest has its root in memory by now: the file with the keys is not needed any more
    await rm(initrd);
    const endpoint = {
      ...{ host: '127.0.0.1', port, user: 'root' },
      ...{ privateKey: keys.clientPrivate, hostKey: keys.hostPublic },
    };
    const remote = await Remote.connect(endpoint, plan.bootTimeoutMs, plan.signal);
    scope.defer(() => remote[Symbol.dispose]());
    const { stdout } = await remote.run(
      'cat /proc/sys/kernel/random/boot_id /proc/sys/kernel/osrelease',
      15_000,
    );
    const [boot = 'unknown', release = 'unknown'] = stdout.trim().split('\n');
    return new QemuMachine({ plan, scope, child, qmp, remote, endpoint, boot, release });
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

function openMonitor(plan: MachinePlan, child: Child, dir: string): Promise<Qmp> {
  const deadline = { ms: 15_000, what: `${plan.id}: QEMU's monitor`, signal: plan.signal };
  return until(deadline, 10, () => {
    if (child.over !== undefined) throw notBooted(plan, child.over);
    return Qmp.open(join(dir, 'qmp')).catch(() => undefined);
  });
}

/** The host port that QEMU chose for the guest's SSH. */
async function forwardedPort(plan: MachinePlan, qmp: Qmp): Promise<number> {
  const usernet = String(await qmp.execute('human-monitor-command', { 'command-line': 'info usernet' }));
  const port = parseForward(usernet);
  if (port === undefined) throw notBooted(plan, `no forwarded port in "${usernet}"`);
  return port;
}

/** Waits for the guest's word on the console that its SSH server listens. */
async function waitUntilReady(plan: MachinePlan, child: Child): Promise<void> {
  const deadline = { ms: plan.bootTimeoutMs, what: `"${readyMarker}" on its console`, signal: plan.signal };
  const ready = await waitForLine(deadline, plan.console, readyMarker, () => child.over).catch(
    (error: unknown) => {
      plan.signal.throwIfAborted();
      return { found: false, why: sentence(error) } as const;
    },
  );
  if (!ready.found) throw notBooted(plan, `${ready.why}\n  ${await lastLines(plan.console)}`);
}

const lastLines = async (file: string): Promise<string> =>
  (await tail(file, 2000)).trim().split('\n').slice(-8).join('\n  ');

const notBooted = (plan: MachinePlan, why: string): FrostlineError =>
  new FrostlineError(`${plan.id} did not boot: ${why}`, {
    code: 'machine',
    todo: `Its console is in ${plan.console}.`,
  });

interface Child {
  readonly process: ChildProcess;
  /** How it ended, once it has. */
  over: string | undefined;
}

function startQemu(plan: MachinePlan, dir: string, initrd: string): Child {
  const args = device.toArguments(
    [
      device.label(`${plan.run}-${plan.id}`),
      device.bare,
      device.sandbox,
      device.processor(plan.accelerator, plan.cpus, plan.memoryMiB),
      device.boot(plan.kernel, initrd),
      ...(plan.root === null ? [] : [device.root(plan.root, plan.hardware.disk)]),
      device.console(plan.console),
      device.network(plan.hardware.card),
      device.monitor(join(dir, 'qmp')),
      device.exitOnPanic,
      device.stableNames,
    ],
    plan.cmdline,
  );
  // a session of its own keeps Ctrl-C from reaching QEMU before the run has taken it down in order;
  // the kernel kills it should this process die
  const [program, ...rest] = ['setpriv', '--pdeathsig', 'KILL', '--', ...plan.qemu.argv, ...args];
  const child = spawn(program, rest, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...plan.qemu.env },
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

/** Waits for a process that was asked to quit; else TERM, else KILL. */
async function endProcess(child: ChildProcess): Promise<void> {
  const gone = (): true | undefined =>
    child.exitCode !== null || child.signalCode !== null || child.pid === undefined ? true : undefined;
  for (const signal of [undefined, 'SIGTERM', 'SIGKILL'] as const) {
    if (signal !== undefined) child.kill(signal);
    const ended = await until({ ms: 2000, what: 'QEMU to end' }, 10, gone).catch(() => undefined);
    if (ended) return;
  }
}

interface Parts {
  readonly plan: MachinePlan;
  readonly scope: Scope;
  readonly child: Child;
  readonly qmp: Qmp;
  readonly remote: Remote;
  readonly endpoint: { readonly port: number; readonly privateKey: string; readonly hostKey: Buffer };
  readonly boot: string;
  readonly release: string;
}

/** A QEMU virtual machine that answers. */
export class QemuMachine implements Machine {
  readonly facts: MachineFacts;
  readonly release: string;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    const { plan, boot, release } = parts;
    this.#parts = parts;
    this.release = release;
    this.facts = {
      id: plan.id,
      boot,
      driver: 'qemu',
      accel: plan.accelerator.accel,
      threads: plan.accelerator.threads,
      qemu: plan.qemu.version,
      cpu: plan.accelerator.cpu,
      memoryMiB: plan.memoryMiB,
      userland: plan.userland,
      host: null,
    };
  }

  /** QEMU's pid and monitor, for tests of what happens to a machine. */
  get pid(): number {
    return this.#parts.child.process.pid!;
  }

  /** Where its SSH server is and the keys of it, for tests that come by themselves. */
  get endpoint(): Parts['endpoint'] {
    return this.#parts.endpoint;
  }

  get monitor(): Qmp {
    return this.#parts.qmp;
  }

  serve(): Promise<Channel> {
    return this.#parts.remote.open('/bin/frostbite serve');
  }

  exec(command: string, timeoutMs: number): ReturnType<Machine['exec']> {
    return this.#parts.remote.run(command, timeoutMs);
  }

  async condition(): Promise<Condition> {
    const { child, plan, qmp } = this.#parts;
    const facts = readFacts(await tail(plan.console));
    if (child.over !== undefined) return { alive: false, detail: child.over, facts };
    const status = await qmp
      .execute('query-status', {}, 2000)
      .catch((error: unknown) => ({ status: String(error) }));
    return { alive: true, detail: `vCPUs ${(status as { status: string }).status}`, facts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(
      { ms: 30_000, what: `${this.facts.id}: taking it down` },
      this.#parts.scope[Symbol.asyncDispose](),
    );
  }
}
