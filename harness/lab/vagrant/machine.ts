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
  /** The version of the emulator beneath; null where the provider has none of its own. */
  readonly qemu: string | null;
  /** Where the console is kept with the run. */
  readonly consoleLog: string;
  /** The box as the matrix names it. */
  readonly box: string;
  /** Kernel arguments that its own boot loader has to set; null: none, or it is booted directly. */
  readonly cmdline: string | null;
  /** The arguments of a direct boot without those for a cgroup set-up; null: its own boot loader boots it. */
  readonly direct: string | null;
  /** The set-up that is wanted first, if that is known. */
  readonly cgroup: CgroupVersion | undefined;
  readonly bootTimeoutMs: number;
  readonly onWarning: (text: string) => void;
  /** Called before a slow step; the function it gives is called after. */
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

  /** Connects to a machine that is up, and brings frostbite. Rejects ('machine') when it does not answer. */
  static async enter(parts: Parts, signal: AbortSignal): Promise<VagrantMachine> {
    const { id, box, bootTimeoutMs, onStep } = parts;
    const { host, port, user, keyFile } = await parts.vagrant.sshConfig(signal);
    // Each machine makes its host key at its first boot. The one that answers first is pinned from then on: the port
    // is of 127.0.0.1, forwarded to a machine that was made a moment ago and has accepted a key made for it alone.
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

  /** Its provider is asked, and the guest: there is no monitor of QEMU's at hand. */
  async #condition(kernelUs: number | null, facts: readonly KernelFact[]): Promise<Condition> {
    const state = await this.#parts.vagrant.state().catch((error: unknown) => sentence(error));
    const told = await this.#distro.host.condition(askMs, kernelUs).catch(() => null);
    return {
      ...{ alive: state === 'running', state: null, answers: told !== null, control: null },
      detail: state === 'running' ? 'vagrant says that it is running' : `its state is ${state}`,
      facts: mergeFacts(facts, told?.facts ?? []),
    };
  }

  /** By kernel arguments and a reboot, where systemd has not mounted that set-up already. */
  async setUp(cgroup: CgroupVersion, signal?: AbortSignal): Promise<boolean> {
    const { direct } = this.#parts;
    const reload =
      direct === null ? undefined : (words: string) => this.#reload(`${direct} ${words}`, signal);
    const rebooted = await this.#distro.setUp(cgroup, signal, reload);
    this.#isKept &&= !rebooted;
    return rebooted;
  }

  /** From its snapshot: the same boot, and known as such. */
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

  /** A snapshot of the machine as it is. */
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

  /** Off and on again with other arguments for the kernel that it is booted with. */
  async #reload(cmdline: string, signal?: AbortSignal): Promise<void> {
    this.#file = { ...this.#file, cmdline };
    await describeMachine(this.#parts.dir, this.#file);
    // vagrant would have the distro shut itself down, which takes as long as half a boot
    await this.#distro.powerOff();
    this.#distro.disconnect();
    await this.#keepConsole();
    await this.#parts.vagrant.reload(this.#parts.bootTimeoutMs, signal);
  }

  /** The file is begun anew at each start of the machine. */
  #keepConsole(): Promise<void> {
    const { consoleLog, onWarning } = this.#parts;
    return keepLog(this.#file.console, consoleLog, onWarning);
  }
}

/** Has its own boot loader set the kernel arguments that it is to have, with those of the set-up that is wanted first. */
async function takeArguments(parts: Parts, distro: Distro, signal: AbortSignal): Promise<void> {
  const { cmdline, cgroup } = parts;
  if (cmdline === null) return;
  const isThere = cgroup === undefined || (await distro.cgroup()) === cgroup;
  const words = isThere ? cmdline : `${cmdline} ${cgroupArguments[cgroup]}`;
  await distro.reboot(`reboot with ${cmdline}`, () => distro.rebootWith(words), signal);
}
