import { FrostlineError, inOneLine } from '../errors.ts';
import type { Machine } from '../lab/machine.ts';
import type { CgroupVersion } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { mayWedge } from './order.ts';
import type { ShiftHooks } from './hooks.ts';
import type { Entry } from './ledger.ts';
import { Session } from '../trial/session.ts';

/** A machine could not be switched to a cgroup setup. */
export class NoSetUp extends Error {
  readonly cgroup: CgroupVersion;
  readonly why: unknown;

  constructor(cgroup: CgroupVersion, why: unknown) {
    super(inOneLine(why), { cause: why });
    this.cgroup = cgroup;
    this.why = why;
  }

  /** Whether the next boot will fail in the same way. */
  get isLasting(): boolean {
    return this.why instanceof FrostlineError && this.why.code === 'kernel';
  }
}

interface BenchParts {
  readonly distro: string;
  readonly boot: Entry | undefined;
  readonly wedging: Set<string>;
}

type BenchHooks = Pick<ShiftHooks, 'ledger' | 'onAgain' | 'signal'>;

/** A machine at work, in one cgroup setup at a time, and its session; frostbite is restarted after each change. */
export class Bench implements AsyncDisposable {
  readonly machine: Machine;
  readonly #hooks: BenchHooks;
  readonly #distro: string;
  readonly #boot: Entry | undefined;
  /** Workloads that could not be released on this machine or an earlier one of the shift. */
  readonly #wedging: Set<string>;
  #session: Session | undefined;
  #cgroup: CgroupVersion | undefined;
  #isFresh = true;
  #isKept = false;

  /** `of.boot` is marked as worked once a session is open. */
  constructor(machine: Machine, of: BenchParts, hooks: BenchHooks) {
    this.machine = machine;
    this.#distro = of.distro;
    this.#boot = of.boot;
    this.#wedging = of.wedging;
    this.#hooks = hooks;
  }

  /** Marks the machine as used. Returns whether it was still unused since its boot or renewal. */
  use(): boolean {
    const wasFresh = this.#isFresh;
    this.#isFresh = false;
    return wasFresh;
  }

  /** A session in a cell's cgroup setup. Rejects if the machine cannot be switched or frostbite does not answer. */
  async ready({ cgroup, workload }: Cell): Promise<Session> {
    const { machine } = this;
    if (machine.setUp !== undefined && cgroup !== this.#cgroup) {
      // before a reboot, so that frostbite shuts down cleanly
      await this.#end();
      await this.#setUp(cgroup);
    }
    this.#cgroup = cgroup;
    if (!this.#isKept && (mayWedge(workload) || this.#wedging.has(workload))) await this.#keep();
    this.#session ??= await Session.open(machine, this.#hooks.signal);
    this.#boot?.worked();
    return this.#session;
  }

  async #setUp(cgroup: CgroupVersion): Promise<void> {
    const { machine } = this;
    const { signal, onAgain, ledger } = this.#hooks;
    const entry = ledger.begin({ kind: 'set-up', distro: this.#distro, cgroup });
    try {
      const rebooted = await machine.setUp?.(cgroup, signal);
      entry.worked();
      if (rebooted === true) {
        this.#isFresh = true;
        this.#isKept = false;
        onAgain(machine);
      }
    } catch (error) {
      if (signal.aborted) entry.left();
      signal.throwIfAborted();
      const failed = new NoSetUp(cgroup, error);
      // a kernel that does not support a setup will not support it on the next boot either
      if (failed.isLasting) entry.cannot(failed.message);
      else entry.failed(failed.message, this.#isFresh);
      throw failed;
    }
  }

  /** Takes the snapshot. Ends the session first, since a restored machine has none. */
  async #keep(): Promise<void> {
    const { machine } = this;
    if (machine.keep === undefined) return;
    await this.#end();
    await machine.keep(this.#hooks.signal);
    this.#isKept = true;
  }

  /** Restores the machine's snapshot after a trial that left it unusable. False: not possible, shut it down. */
  async renew({ workload }: Cell): Promise<boolean> {
    const { machine } = this;
    const { signal, onAgain } = this.#hooks;
    this.#wedging.add(workload);
    if (machine.renew === undefined) return false;
    await this.#end();
    this.#cgroup = undefined;
    try {
      await machine.renew(signal);
    } catch {
      signal.throwIfAborted();
      return false;
    }
    this.#isFresh = true;
    onAgain(machine);
    return true;
  }

  async #end(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.[Symbol.asyncDispose]();
  }

  /** A machine that can be paused may be paused now: its frostbite cannot answer, and ends with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.machine.pause === undefined) await this.#end();
  }
}
