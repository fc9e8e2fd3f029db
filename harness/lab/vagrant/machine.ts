import { readFile } from 'node:fs/promises';
import type { Scope } from '../../base/scope.ts';
import { FrostlineError, inOneLine, sentence } from '../../errors.ts';
import type { CgroupVersion } from '../../matrix/matrix.ts';
import { keepLog, markConsole } from '../console.ts';
import { cgroupArguments } from '../distro/cgroups.ts';
import { Distro } from '../distro/distro.ts';
import type { MachineFacts } from '../facts.ts';
import { mergeFacts, readFacts, type KernelFact } from '../kernel.ts';
import type { Channel, Condition, Machine, Shell, Terminal, Watch } from '../machine.ts';
import type { Vagrant } from './command.ts';
import { describeMachine, type MachineFile } from './folder.ts';

const askMs = 15_000;

/** What a Vagrant machine is made of. */
export interface Parts {
  readonly id: string;
  readonly dir: string;
  readonly file: MachineFile;
  readonly vagrant: Vagrant;
  /** The version of the host's QEMU, if libvirt runs the machine; else null. */
  readonly qemu: string | null;
  /** The file in which the console's log is kept with the run. */
  readonly consoleLog: string;
  /** The box as the matrix names it. */
  readonly box: string;
  /** Kernel arguments to set in its own boot loader; null: none, or it is booted directly. */
  readonly cmdline: string | null;
  /** The arguments of a direct boot without those for a cgroup set-up; null: its own boot loader boots it. */
  readonly direct: string | null;
  /** The cgroup set-up of its first trial, if known. */
  readonly cgroup: CgroupVersion | undefined;
  readonly bootTimeoutMs: number;
  readonly onWarning: (text: string) => void;
  /** Called before a slow step; the function it returns is called after the step. */
  readonly onStep: (what: string) => () => void;
  /** What takes the machine down. */
  readonly scope: Scope;
}

/** A machine that vagrant has made, after `vagrant up`. Disposing it destroys it. */
export class VagrantMachine implements Machine {
  readonly #parts: Parts;
  readonly #distro: Distro;
  #isKept = false;
  #file: MachineFile;

  private constructor(parts: Parts, distro: Distro) {
    this.#parts = parts;
    this.#distro = distro;
    this.#file = parts.file;
  }

  /** Connects to a machine that is up, and installs frostbite. Rejects ('machine') when it does not answer. */
  static async enter(parts: Parts, signal: AbortSignal): Promise<VagrantMachine> {
    const { id, box, bootTimeoutMs, onStep } = parts;
    const { host, port, user, keyFile } = await parts.vagrant.sshConfig(signal);
    // Each machine makes its host key at its first boot. The first key that answers is pinned: the port is one of
    // 127.0.0.1, forwarded to a machine that was just made and has accepted a key made for it alone.
    const hostKey: Buffer[] = [];
    const onHostKey = (key: Buffer): void => void (hostKey.length === 0 && hostKey.push(key));
    const privateKey = await readFile(keyFile, 'utf8');
    const endpoint = { host, port, user, privateKey, hostKey, onHostKey, isForeign: true };
    const plan = { name: `${id} (${box})`, endpoint, bootTimeoutMs, onStep };
    const distro = await Distro.connect(plan, signal);
    parts.scope.defer(() => distro[Symbol.dispose]());
    const done = onStep('end of its boot, frostbite');
    await distro.bring().finally(done);
    await takeArguments(parts, distro, signal);
    return new VagrantMachine(parts, distro);
  }

  get facts(): MachineFacts {
    const { id, file, qemu, box } = this.#parts;
    const { accel, cpus, cpuModel: cpu, memoryMiB } = file;
    const isOurs = file.provider === 'libvirt';
    return {
      ...{ id, boot: this.#distro.host.boot, driver: 'vagrant', host: null, image: box },
      ...{ qemu, cpu, memoryMiB, userland: null },
      accel: isOurs ? accel : null,
      threads: isOurs && accel === 'tcg' ? (cpus > 1 ? 'multi' : 'single') : null,
    };
  }

  get release(): string {
    return this.#distro.host.release;
  }

  serve(): Promise<Channel> {
    return this.#distro.host.serve();
  }

  exec(command: string, timeoutMs: number): ReturnType<Machine['exec']> {
    return this.#distro.host.exec(command, timeoutMs);
  }

  shell(terminal: Terminal | null): Promise<Shell> {
    return this.#distro.shell(terminal);
  }

  async watch(): Promise<Watch> {
    const said = await markConsole(this.#file.console);
    const facts = async (): Promise<KernelFact[]> => readFacts(await said());
    return {
      facts,
      changes: () => [],
      condition: async (kernelUs) => this.#condition(kernelUs, await facts()),
    };
  }

  /** Asks its provider and the guest, since QEMU's monitor is not accessible. */
  async #condition(kernelUs: number | null, facts: readonly KernelFact[]): Promise<Condition> {
    const state = await this.#parts.vagrant.state().catch((error: unknown) => sentence(error));
    const told = await this.#distro.host.condition(askMs, kernelUs).catch(() => null);
    return {
      ...{ alive: state === 'running', state: null, answers: told !== null, control: null },
      detail: state === 'running' ? 'vagrant says that it is running' : `its state is ${state}`,
      facts: mergeFacts(facts, told?.facts ?? []),
    };
  }

  /** Sets kernel arguments and reboots, unless systemd has mounted that set-up already. */
  async setUp(cgroup: CgroupVersion, signal?: AbortSignal): Promise<boolean> {
    const { direct } = this.#parts;
    const reload =
      direct === null ? undefined : (words: string) => this.#reload(`${direct} ${words}`, signal);
    const rebooted = await this.#distro.setUp(cgroup, signal, reload);
    this.#isKept &&= !rebooted;
    return rebooted;
  }

  /** Restores its snapshot; the boot, and its id, stay the same. */
  async renew(signal?: AbortSignal): Promise<void> {
    if (!this.#isKept) throw new FrostlineError(`${this.#parts.id} has no snapshot.`, { code: 'machine' });
    const done = this.#parts.onStep('back to its snapshot');
    try {
      await this.#keepConsole();
      this.#distro.disconnect();
      await this.#parts.vagrant.restore(signal);
      await this.#distro.reconnect(signal);
    } finally {
      done();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keepConsole();
    await this.#parts.scope[Symbol.asyncDispose]();
  }

  /** Takes a snapshot of the machine; the provider `qemu` has none. */
  async keep(signal?: AbortSignal): Promise<void> {
    this.#isKept = false;
    if (this.#file.provider === 'qemu') return;
    const done = this.#parts.onStep('snapshot');
    try {
      await this.#parts.vagrant.save(signal);
      this.#isKept = true;
    } catch (error) {
      signal?.throwIfAborted();
      this.#parts.onWarning(`${inOneLine(error)} A machine that is stuck is replaced by a fresh one.`);
    } finally {
      done();
    }
  }

  /** Powers the machine off and boots it directly again, with other kernel arguments. */
  async #reload(cmdline: string, signal?: AbortSignal): Promise<void> {
    this.#file = { ...this.#file, cmdline };
    await describeMachine(this.#parts.dir, this.#file);
    // vagrant would have the distro shut itself down, which takes half as long as a boot
    await this.#distro.powerOff();
    this.#distro.disconnect();
    await this.#keepConsole();
    await this.#parts.vagrant.reload(this.#parts.bootTimeoutMs, signal);
  }

  /** Moves the console's log to the run; the file is overwritten at each start of the machine. */
  #keepConsole(): Promise<void> {
    const { consoleLog, onWarning } = this.#parts;
    return keepLog(this.#file.console, consoleLog, onWarning);
  }
}

/** Sets its kernel arguments in its boot loader, with those of the cgroup set-up of its first trial, and reboots. */
async function takeArguments(parts: Parts, distro: Distro, signal: AbortSignal): Promise<void> {
  const { cmdline, cgroup } = parts;
  if (cmdline === null) return;
  const isThere = cgroup === undefined || (await distro.cgroup()) === cgroup;
  const words = isThere ? cmdline : `${cmdline} ${cgroupArguments[cgroup]}`;
  await distro.reboot(`reboot with ${cmdline}`, () => distro.rebootWith(words), signal);
}
