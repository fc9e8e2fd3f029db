import { within } from '../../../base/deadline.ts';
import { Scope } from '../../../base/scope.ts';
import { FrostlineError, inOneLine, sentence } from '../../../errors.ts';
import type { BoxTool, CgroupVersion } from '../../../matrix/matrix.ts';
import { Distro } from '../../distro/distro.ts';
import type { MachineFacts } from '../../facts.ts';
import type { Channel, Machine, Shell, Terminal, Watch } from '../../machine.ts';
import { makeKeys } from '../../rootfs/keys.ts';
import type { QemuBinary } from '../binary.ts';
import * as device from '../devices.ts';
import {
  lastLines,
  makeMachineFolder,
  monitorSocket,
  notBooted,
  startMachine,
  type Started,
} from '../process.ts';
import { watchQemu, type Account } from '../watch.ts';
import { makeSeed, seedUser } from './seed.ts';

const askMs = 15_000;
/** A snapshot includes all of the guest's memory. */
const snapshotMs = 120_000;
const snapshot = 'frostline';

/** Everything that a machine from a cloud image is made of. */
export interface ImagePlan {
  readonly id: string;
  readonly run: string;
  readonly qemu: QemuBinary;
  readonly accelerator: device.Accelerator;
  /** The path of the image, which is never written to. */
  readonly file: string;
  /** The image as the matrix names it. */
  readonly image: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly cmdline: string | null;
  readonly install: readonly BoxTool[];
  readonly console: string;
  readonly bootTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly onWarning: (text: string) => void;
  /** Called before a slow step; the function it returns is called after the step. */
  readonly onStep: (what: string) => () => void;
}

/** Starts QEMU and waits until cloud-init is done and the guest answers over SSH with the host key it was given. */
export async function bootImage(plan: ImagePlan): Promise<ImageMachine> {
  const { signal, bootTimeoutMs, onStep } = plan;
  const scope = new Scope();
  try {
    const dir = await makeMachineFolder(plan, scope);
    const keys = makeKeys();
    const args = argumentsOf(plan, dir, await makeSeed(dir, keys));
    const { port, ...started } = await startMachine(plan, { dir, args, scope });
    const endpoint = {
      ...{ host: '127.0.0.1', port, user: seedUser, isForeign: true },
      ...{ privateKey: keys.clientPrivate, hostKey: keys.hostPublic },
    };
    const name = `${plan.id} (${plan.image})`;
    const distro = await Distro.connect({ name, endpoint, bootTimeoutMs, onStep }, signal).catch(
      async (error: unknown) => {
        signal.throwIfAborted();
        throw notBooted(plan, `${started.child.over ?? sentence(error)}\n  ${await lastLines(plan.console)}`);
      },
    );
    scope.defer(() => distro[Symbol.dispose]());
    return await ImageMachine.settle({ ...started, plan, scope, distro, endpoint });
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

const argumentsOf = (plan: ImagePlan, dir: string, seed: string): string[] =>
  device.toArguments([
    device.label(`${plan.run}-${plan.id}`),
    device.bare,
    ...(plan.qemu.hasSeccomp ? [device.sandbox] : []),
    device.processor(plan.accelerator, plan.cpus, plan.memoryMiB),
    device.distroDisk(plan.file),
    device.seedDisk(seed),
    device.console(plan.console),
    device.network('virtio', plan.install.length > 0),
    device.monitor(monitorSocket(dir)),
  ]);

interface Parts extends Omit<Started, 'port'> {
  readonly plan: ImagePlan;
  readonly scope: Scope;
  readonly distro: Distro;
  readonly endpoint: {
    readonly port: number;
    readonly user: string;
    readonly privateKey: string;
    readonly hostKey: Buffer;
  };
}

/** cloud-init makes this file last. Later boots do not need cloud-init, so it is disabled. */
const untilDone =
  'until [ -e /var/lib/cloud/instance/boot-finished ]; do sleep 1; done; sudo -n touch /etc/cloud/cloud-init.disabled || true';

/** A QEMU virtual machine with a whole distro, from a cloud image. */
export class ImageMachine implements Machine {
  readonly #parts: Parts;
  #isKept = false;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Waits for cloud-init, and installs what is asked for. */
  static async settle(parts: Parts): Promise<ImageMachine> {
    const { plan, distro } = parts;
    await within(
      { ms: plan.bootTimeoutMs, what: `${plan.id}: cloud-init to be done`, signal: plan.signal },
      distro.run(untilDone, plan.bootTimeoutMs),
    );
    await distro.bring();
    if (plan.install.length > 0) await distro.install(plan.install);
    const { cmdline } = plan;
    if (cmdline !== null)
      await distro.reboot(`reboot with ${cmdline}`, () => distro.rebootWith(cmdline), plan.signal);
    return new ImageMachine(parts);
  }

  get facts(): MachineFacts {
    const { plan, distro } = this.#parts;
    const { accel, threads, cpu } = plan.accelerator;
    return {
      ...{ id: plan.id, boot: distro.host.boot, driver: 'qemu', accel, threads, qemu: plan.qemu.version },
      ...{ cpu, memoryMiB: plan.memoryMiB, userland: null, host: null, image: plan.image },
    };
  }

  get release(): string {
    return this.#parts.distro.host.release;
  }

  /** The address and keys of its SSH server, for tests that connect on their own. */
  get endpoint(): Parts['endpoint'] {
    return this.#parts.endpoint;
  }

  serve(): Promise<Channel> {
    return this.#parts.distro.host.serve();
  }

  exec(command: string, timeoutMs: number): ReturnType<Machine['exec']> {
    return this.#parts.distro.host.exec(command, timeoutMs);
  }

  shell(terminal: Terminal | null): Promise<Shell> {
    return this.#parts.distro.shell(terminal);
  }

  watch(): Promise<Watch> {
    const { plan, distro, ...parts } = this.#parts;
    return watchQemu({
      ...{ ...parts, console: plan.console },
      ask: (command, ms) => distro.host.exec(command, ms),
      askLog: (kernelUs) => this.#ask(kernelUs),
    });
  }

  async #ask(kernelUs: number | null): Promise<Account | null> {
    const { host } = this.#parts.distro;
    const told = await host.condition(askMs, kernelUs).catch(() => null);
    if (told === null) return null;
    return { facts: told.facts, detail: told.boot === host.boot ? null : `its boot is ${told.boot} now` };
  }

  /** Sets kernel arguments in its boot loader and reboots, unless systemd has mounted that set-up already. */
  async setUp(cgroup: CgroupVersion, signal?: AbortSignal): Promise<boolean> {
    const rebooted = await this.#parts.distro.setUp(cgroup, signal);
    this.#isKept &&= !rebooted;
    return rebooted;
  }

  /** Restores its snapshot; the boot, and its id, stay the same. */
  async renew(signal?: AbortSignal): Promise<void> {
    const { plan, distro } = this.#parts;
    if (!this.#isKept) throw new FrostlineError(`${plan.id} has no snapshot.`, { code: 'machine' });
    distro.disconnect();
    await this.#monitor(`loadvm ${snapshot}`);
    await distro.reconnect(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(
      { ms: 30_000, what: `${this.#parts.plan.id}: taking it down` },
      this.#parts.scope[Symbol.asyncDispose](),
    );
  }

  /** Takes a snapshot of the machine, in the overlay of its disk. */
  async keep(signal?: AbortSignal): Promise<void> {
    this.#isKept = false;
    const done = this.#parts.plan.onStep('snapshot');
    try {
      await this.#monitor(`savevm ${snapshot}`);
      this.#isKept = true;
    } catch (error) {
      signal?.throwIfAborted();
      this.#parts.plan.onWarning(`${inOneLine(error)} A machine that is stuck is replaced by a fresh one.`);
    } finally {
      done();
    }
  }

  /** Runs a command of QEMU's monitor that prints nothing on success. */
  async #monitor(command: string): Promise<void> {
    const { plan, qmp } = this.#parts;
    const said = await qmp.execute('human-monitor-command', { 'command-line': command }, snapshotMs);
    if (String(said).trim() !== '')
      throw new FrostlineError(`${plan.id}: ${command}: ${String(said).trim()}`, { code: 'machine' });
  }
}
