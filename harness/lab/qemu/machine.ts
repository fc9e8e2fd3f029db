import { rm } from 'node:fs/promises';
import { within } from '../../base/deadline.ts';
import { Scope } from '../../base/scope.ts';
import { FrostlineError, sentence } from '../../errors.ts';
import { tail, waitForLine } from '../console.ts';
import type { MachineFacts } from '../facts.ts';
import { readFacts } from '../kernel.ts';
import type { Channel, Machine, Shell, Terminal, Watch } from '../machine.ts';
import { Remote } from '../remote.ts';
import { joinInitrd } from '../rootfs/image.ts';
import { makeKeys, type MachineKeys } from '../rootfs/keys.ts';
import type { QemuBinary } from './binary.ts';
import * as device from './devices.ts';
import type { Hardware } from './hardware.ts';
import {
  lastLines,
  makeMachineFolder,
  monitorSocket,
  notBooted,
  startMachine,
  type Child,
  type Started,
} from './process.ts';
import type { Qmp } from './qmp.ts';
import { watchQemu } from './watch.ts';

/** Everything a QEMU machine is made of. */
export interface MachinePlan {
  readonly id: string;
  readonly run: string;
  readonly qemu: QemuBinary;
  readonly accelerator: device.Accelerator;
  /** The bzImage. */
  readonly image: string;
  /** What QEMU starts: the bzImage, or the vmlinux in it. */
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

/** The console line that says that SSH answers. */
export const readyMarker = 'frostline: ready';

/**
 * Starts QEMU and waits until the guest answers over SSH with the pinned host key; `template` says why a machine that
 * should have started from a template is booted.
 */
export async function bootMachine(
  plan: MachinePlan,
  template?: MachineFacts['template'],
): Promise<QemuMachine> {
  const scope = new Scope();
  try {
    const guest = await bootGuest(plan, scope, { root: rootOf(plan) });
    const { stdout } = await guest.remote.run(
      'cat /proc/sys/kernel/random/boot_id /proc/sys/kernel/osrelease',
      15_000,
    );
    const [boot = 'unknown', release = 'unknown'] = stdout.trim().split('\n');
    return new QemuMachine({ plan, scope, ...guest, boot, release, template });
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

/** Devices that a machine has in addition to, or instead of, those of one that is simply booted. */
interface Build {
  readonly root: readonly device.Device[];
  /** Additional devices, given the machine's folder. */
  readonly more?: (dir: string) => readonly device.Device[];
}

/** Boots a guest with keys of its own and connects to it; the scope takes it down. */
export async function bootGuest(plan: MachinePlan, scope: Scope, build: Build): Promise<Guest> {
  const dir = await makeMachineFolder(plan, scope);
  const keys = makeKeys();
  const initrd = await joinInitrd(dir, plan.initrd, keys);
  const start = [device.boot(plan.kernel, initrd), ...build.root, ...(build.more?.(dir) ?? [])];
  const started = await startMachine(plan, { dir, args: argumentsOf(plan, dir, start), scope });
  await waitUntilReady(plan, started.child);
  // the guest has its root in memory by now: the file with the keys is not needed any more
  await rm(initrd);
  return { dir, ...started, ...(await connect(plan, { port: started.port, keys, scope })) };
}

/** Opens the one connection to a guest, which has to answer with the host key that was made for it. */
export async function connect(
  plan: MachinePlan,
  { port, keys, scope }: { readonly port: number; readonly keys: MachineKeys; readonly scope: Scope },
): Promise<Pick<Guest, 'remote' | 'endpoint'>> {
  const endpoint = {
    ...{ host: '127.0.0.1', port, user: 'root' },
    ...{ privateKey: keys.clientPrivate, hostKey: keys.hostPublic, mayPause: true },
  };
  const remote = await Remote.connect(endpoint, plan.bootTimeoutMs, plan.signal);
  scope.defer(() => remote[Symbol.dispose]());
  return { remote, endpoint };
}

/** Waits until the guest reports on the console that its SSH server listens. */
async function waitUntilReady(plan: MachinePlan, child: Child): Promise<void> {
  const deadline = { ms: plan.bootTimeoutMs, what: `"${readyMarker}" on its console`, signal: plan.signal };
  const ready = await waitForLine(deadline, plan.console, readyMarker, () => child.over).catch(
    (error: unknown) => {
      plan.signal.throwIfAborted();
      return { found: false, why: sentence(error) } as const;
    },
  );
  if (ready.found) return;
  const [fact] = readFacts(await tail(plan.console));
  const why = fact === undefined ? ready.why : `${ready.why}; ${fact.line}`;
  throw notBooted(plan, `${why}\n  ${await lastLines(plan.console)}`);
}

/** The disk of a machine that is booted: writes to it are discarded. */
const rootOf = ({ root, hardware }: MachinePlan): device.Device[] =>
  root === null ? [] : [device.root(root, hardware.disk)];

/** QEMU's command line; `start` are the devices that the guest starts from. */
export const argumentsOf = (plan: MachinePlan, dir: string, start: readonly device.Device[]): string[] =>
  device.toArguments(
    [
      device.label(`${plan.run}-${plan.id}`),
      device.bare,
      ...(plan.qemu.hasSeccomp ? [device.sandbox] : []),
      device.processor(plan.accelerator, plan.cpus, plan.memoryMiB),
      // ahead of a template's second line: the console must be the first serial port
      device.console(plan.console),
      ...start,
      device.network(plan.hardware.card),
      device.monitor(monitorSocket(dir)),
      device.exitOnPanic,
      device.stableNames,
    ],
    plan.cmdline,
  );

/** A guest that answers, and what it was started with. */
export interface Guest extends Omit<Started, 'port'> {
  /** The machine's private folder. */
  readonly dir: string;
  readonly remote: Remote;
  readonly endpoint: { readonly port: number; readonly privateKey: string; readonly hostKey: Buffer };
}

interface Parts extends Omit<Guest, 'dir'> {
  readonly plan: MachinePlan;
  readonly scope: Scope;
  readonly boot: string;
  readonly release: string;
  readonly template: MachineFacts['template'];
}

/** A QEMU virtual machine that answers. */
export class QemuMachine implements Machine {
  readonly facts: MachineFacts;
  readonly release: string;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    const { plan, boot, release, template } = parts;
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
      image: null,
      ...(template === undefined ? {} : { template }),
    };
  }

  /** QEMU's pid, for tests of what happens to a machine; so is `monitor`. */
  get pid(): number {
    return this.#parts.child.process.pid!;
  }

  /** The address and keys of its SSH server, for tests that connect on their own. */
  get endpoint(): Parts['endpoint'] {
    return this.#parts.endpoint;
  }

  get monitor(): Qmp {
    return this.#parts.qmp;
  }

  async serve(): Promise<Channel> {
    const { failed } = this.#parts.states;
    if (failed !== null)
      throw new FrostlineError(`${this.facts.id} could not be paused or resumed: ${failed}`, {
        code: 'machine',
      });
    return this.#parts.remote.open('/bin/frostbite serve ours');
  }

  exec(command: string, timeoutMs: number): ReturnType<Machine['exec']> {
    return this.#parts.remote.run(command, timeoutMs);
  }

  shell(terminal: Terminal | null): Promise<Shell> {
    return this.#parts.remote.shell(terminal);
  }

  get isStill(): boolean {
    return this.#parts.states.isStill;
  }

  pause(): Promise<void> {
    return this.#orLost(this.#parts.states.pause());
  }

  resume(): Promise<void> {
    return this.#orLost(this.#parts.states.resume());
  }

  /** If that fails, closes the connection: no trial should wait for a machine that cannot be paused or resumed. */
  async #orLost(control: Promise<void>): Promise<void> {
    try {
      await control;
    } catch (error) {
      this.#parts.remote[Symbol.dispose]();
      throw error;
    }
  }

  watch(): Promise<Watch> {
    const { plan, remote, ...parts } = this.#parts;
    return watchQemu({ ...parts, console: plan.console, ask: (command, ms) => remote.run(command, ms) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(
      { ms: 30_000, what: `${this.facts.id}: taking it down` },
      this.#parts.scope[Symbol.asyncDispose](),
    );
  }
}
