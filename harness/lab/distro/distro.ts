import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { until } from '../../base/deadline.ts';
import { FrostlineError, sentence } from '../../errors.ts';
import type { CgroupVersion } from '../../matrix/matrix.ts';
import { Host } from '../host.ts';
import type { Shell, Terminal } from '../machine.ts';
import { Remote, type Endpoint } from '../remote.ts';
import { askCgroup, cgroupArguments, readCgroup } from './cgroups.ts';

const askMs = 15_000;
/** Services that are still starting would disturb the measurement. Only systemd can tell when the boot is over. */
const untilBooted = `i=0; while case $(systemctl is-system-running 2> /dev/null) in
initializing | starting) [ $i -lt 240 ] ;;
*) false ;;
esac; do i=$((i + 1)); sleep 1; done`;
/** Long, since packages may come from a distant mirror. */
const installMs = 900_000;

/** A script for the guest, from the checkout or the installed package. */
const script = (name: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../../vagrant/provision/${name}.sh`, import.meta.url)), 'utf8');

/** A virtual machine with its own distro, as known before the first connection. */
export interface DistroPlan {
  /** For messages, e.g. `m3 (debian-12.qcow2)`. */
  readonly name: string;
  readonly endpoint: Endpoint;
  /** How long a boot may take until SSH answers. */
  readonly bootTimeoutMs: number;
  /** Called before a slow step; the function it returns is called after the step. */
  readonly onStep: (what: string) => () => void;
}

/** A virtual machine with its own distro, which frostline may reboot: the connection to it, and the frostbite on it. */
export class Distro implements Disposable {
  readonly #plan: DistroPlan;
  #remote: Remote;
  #host: Host | undefined;

  private constructor(plan: DistroPlan, remote: Remote) {
    this.#plan = plan;
    this.#remote = remote;
  }

  /** Connects as soon as SSH answers. Rejects ('machine') after `bootTimeoutMs`. */
  static async connect(plan: DistroPlan, signal?: AbortSignal): Promise<Distro> {
    return new Distro(plan, await answering(plan, signal));
  }

  /** Available once `bring` has resolved. */
  get host(): Host {
    if (this.#host === undefined) throw new Error(`${this.#plan.name}: frostbite is not on it yet`);
    return this.#host;
  }

  /** Runs a command as the user that is logged in. */
  run(command: string, ms: number): ReturnType<Remote['run']> {
    return this.#remote.run(command, ms);
  }

  /** A shell of the user that is logged in. */
  shell(terminal: Terminal | null): Promise<Shell> {
    return this.#remote.shell(terminal);
  }

  /** Waits until the boot is over, then installs frostbite; needed again after each boot. */
  async bring(): Promise<void> {
    const { name, endpoint, bootTimeoutMs } = this.#plan;
    await this.run(untilBooted, bootTimeoutMs);
    const shell = {
      name,
      run: (...words: Parameters<Remote['run']>) => this.#remote.run(...words),
      open: (command: string, terminal: boolean) => this.#remote.open(command, undefined, terminal),
    };
    this.#host = await Host.enter(shell, { sudo: endpoint.user !== 'root', isGuest: false });
  }

  /** The cgroup set-up that systemd has mounted; undefined when frostline does not know it. */
  async cgroup(): Promise<CgroupVersion | undefined> {
    return readCgroup((await this.host.exec(askCgroup, askMs)).stdout);
  }

  /**
   * Switches the machine to a cgroup set-up, and resolves to whether that took a reboot. `rebootWith` reboots it with
   * additional kernel arguments; by default they are set in its own boot loader.
   */
  async setUp(
    cgroup: CgroupVersion,
    signal?: AbortSignal,
    rebootWith: (words: string) => Promise<void> = (words) => this.rebootWith(words),
  ): Promise<boolean> {
    if ((await this.cgroup()) === cgroup) return false;
    await this.reboot(`reboot for ${cgroup}`, () => rebootWith(cgroupArguments[cgroup]), signal);
    const found = await this.cgroup();
    if (found === cgroup) return true;
    throw new FrostlineError(
      `${this.#plan.name} does not have ${cgroup} after a reboot with ${cgroupArguments[cgroup]}: it has ${found ?? 'none'}.`,
      { code: 'kernel' },
    );
  }

  /** Calls `start` to reboot the machine, and waits until it is up again and has frostbite. */
  async reboot(what: string, start: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    const done = this.#plan.onStep(what);
    try {
      const before = this.host.boot;
      await start();
      await this.reconnect(signal, before);
      await this.bring();
    } finally {
      done();
    }
  }

  /**
   * Powers the machine off without an orderly shutdown. Its file systems are synced and remounted read-only first, so
   * that their contents survive. Resolves when the machine is off, or after a timeout.
   */
  async powerOff(): Promise<void> {
    const off = 'cd /proc; sync; echo u > sysrq-trigger; sleep 1; echo o > sysrq-trigger; sleep 30';
    // this ends the connection
    await this.host.exec(off, askMs).catch(() => undefined);
  }

  /** Sets kernel arguments in its boot loader, and starts a reboot. Rejects ('kernel') for an unknown boot loader. */
  async rebootWith(words: string): Promise<void> {
    await this.#asRoot('set-kernel-arguments', words.split(/ +/), 'kernel arguments could not be set');
    // this ends the connection
    await this.host
      .exec('(sleep 1; systemctl reboot || reboot) > /dev/null 2>&1 &', askMs)
      .catch(() => undefined);
  }

  /** Installs tools from the distro's own packages. Rejects ('kernel') when that fails. */
  async install(tools: readonly string[]): Promise<void> {
    await this.#asRoot('install-tools', tools, `${tools.join(', ')} could not be installed`);
  }

  async #asRoot(name: string, words: readonly string[], failed: string): Promise<void> {
    const given = words.filter((word) => word !== '').map(quote);
    const { code, stderr } = await this.host.exec(
      `set -- ${given.join(' ')}\n${await script(name)}`,
      installMs,
    );
    if (code !== 0)
      throw new FrostlineError(
        `${this.#plan.name}: ${failed}: ${stderr.trim().split('\n').slice(-4).join('\n  ')}`,
        {
          code: 'kernel',
        },
      );
  }

  /** Closes the connection, before the machine itself goes away. */
  disconnect(): void {
    this.#remote[Symbol.dispose]();
  }

  /** Reconnects once SSH answers; with `before`, only once the boot id is another than that. */
  async reconnect(signal?: AbortSignal, before?: string): Promise<void> {
    this.disconnect();
    this.#remote = await answering(this.#plan, signal, before);
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }
}

/** Quotes a word for a shell. */
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

async function answering(plan: DistroPlan, signal?: AbortSignal, before?: string): Promise<Remote> {
  const { name, endpoint, bootTimeoutMs } = plan;
  let why = '';
  const deadline = { ms: bootTimeoutMs, what: `${name}: SSH to answer`, signal };
  const connect = async (): Promise<Remote | undefined> => {
    const remote = await Remote.connect(endpoint, askMs, signal).catch((error: unknown) => {
      why = sentence(error);
    });
    signal?.throwIfAborted();
    if (remote === undefined || before === undefined) return remote ?? undefined;
    const answer = await remote.run('cat /proc/sys/kernel/random/boot_id', askMs).catch(() => undefined);
    if (answer !== undefined && answer.stdout.trim() !== before) return remote;
    why = 'it answers in the same boot';
    remote[Symbol.dispose]();
    return undefined;
  };
  return until(deadline, 500, connect).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new FrostlineError(`${name} does not answer within ${bootTimeoutMs / 1000} s: ${why}`, {
      code: 'machine',
      cause,
    });
  });
}
