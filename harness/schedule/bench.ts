import { FrostlineError, inOneLine } from '../errors.ts';
import type { Machine } from '../lab/machine.ts';
import type { CgroupVersion } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { mayWedge } from './order.ts';
import type { ShiftHooks } from './hooks.ts';
import type { Entry } from './ledger.ts';
import { Session } from '../trial/session.ts';

/** A machine could not be brought to a cgroup set-up. */
export class NoSetUp extends Error {
  readonly cgroup: CgroupVersion;
  readonly why: unknown;

  constructor(cgroup: CgroupVersion, why: unknown) {
    super(inOneLine(why), { cause: why });
    this.cgroup = cgroup;
    this.why = why;
  }

  /** Whether it will be so on the next boot, too. */
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

/** A machine at work, in one cgroup set-up at a time, and the session on it: frostbite anew after each change. */
export class Bench implements AsyncDisposable {
  readonly machine: Machine;
  readonly #hooks: BenchHooks;
  readonly #distro: string;
  readonly #boot: Entry | undefined;
  /** Workloads that were not released, on this machine or one before. */
  readonly #wedging: Set<string>;
  #session: Session | undefined;
  #cgroup: CgroupVersion | undefined;
  #isFresh = true;
  #isKept = false;

  /** `boot` is told once a session is there. */
  constructor(machine: Machine, of: BenchParts, hooks: BenchHooks) {
    this.machine = machine;
    this.#distro = of.distro;
    this.#boot = of.boot;
    this.#wedging = of.wedging;
    this.#hooks = hooks;
  }

  /** Whether nothing was done on the machine since it was booted or renewed; from now on something is. */
  use(): boolean {
    const wasFresh = this.#isFresh;
    this.#isFresh = false;
    return wasFresh;
  }

  /** A session in a cell's set-up. Rejects when the machine cannot be brought to it, or frostbite does not answer. */
  async ready({ cgroup, workload }: Cell): Promise<Session> {
    const { machine } = this;
    if (machine.setUp !== undefined && cgroup !== this.#cgroup) {
      // before a reboot, so that frostbite ends in order
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
      // a kernel that cannot have a set-up will not have it on the next boot either
      if (failed.isLasting) entry.cannot(failed.message);
      else entry.failed(failed.message, this.#isFresh);
      throw failed;
    }
  }

  /** Without a session: what comes back later has none. */
  async #keep(): Promise<void> {
    const { machine } = this;
    if (machine.keep === undefined) return;
    await this.#end();
    await machine.keep(this.#hooks.signal);
    this.#isKept = true;
  }

  /** Whether the machine is good again after a trial of a cell; one that cannot be is taken down like any other. */
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

  /** A machine that can stand still may do so now, and takes frostbite with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.machine.pause === undefined) await this.#end();
  }
}
