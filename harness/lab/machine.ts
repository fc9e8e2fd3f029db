import type { Duplex, Readable } from 'node:stream';
import type { CgroupVersion } from '../matrix/matrix.ts';
import type { MachineFacts } from './facts.ts';
import type { KernelFact } from './kernel.ts';

/** A change of a virtual machine's state, as QEMU reports it (QMP events). */
export interface StateChange {
  readonly event: 'STOP' | 'RESUME' | 'SHUTDOWN' | 'RESET' | 'GUEST_PANICKED' | 'WATCHDOG';
  /** Whether frostline asked for it. */
  readonly isOurs: boolean;
  /** Further detail from QEMU, e.g. `guest-reset`. */
  readonly detail: string | null;
  /** Microseconds since the watch began. */
  readonly us: number;
}

/** The state of a machine whose guest has gone silent or whose connection is lost. */
export interface Condition {
  /** False when the machine's process has ended, or the host is unreachable. */
  readonly alive: boolean;
  /** QEMU's run state, `unknown` when it does not answer; null when there is no QEMU to ask. */
  readonly state: string | null;
  /** Whether the guest answers a command, so that user space is scheduled; null: it was not asked. */
  readonly answers: boolean | null;
  /** The error of a pause or resume by frostline that failed; null: none did. */
  readonly control: string | null;
  /** How it ended, or what is odd about it, and who was asked; human-readable. */
  readonly detail: string | null;
  readonly facts: readonly KernelFact[];
}

/** CPU time that the host has given a vCPU so far, and the time it waited for a CPU (null: the host does not say). */
export interface VcpuTime {
  readonly ranMs: number;
  readonly waitedMs: number | null;
}

/** Observes a machine from the start of a trial on. None of its methods rejects. */
export interface Watch {
  /** Problems that the kernel has reported since on a console that can be read. */
  facts(): Promise<readonly KernelFact[]>;
  /** State changes that QEMU has reported since; empty for a machine without QMP. */
  changes(): readonly StateChange[];
  /**
   * Asks QEMU, the provider or the host for the machine's state, and the guest too where that adds something.
   * `kernelUs` is the position of the kernel's log at the start, in microseconds on the kernel's clock; null: the guest
   * did not report it.
   */
  condition(kernelUs: number | null): Promise<Condition>;
  /** CPU time of each vCPU so far; null when it cannot be read. */
  vcpus?(): Promise<readonly VcpuTime[] | null>;
}

/** How a channel ended: with the program's exit, or because the connection was lost. */
export type ChannelEnd =
  | {
      readonly kind: 'exit';
      readonly code: number | null;
      readonly signal: string | null;
      readonly stderr: string;
    }
  | { readonly kind: 'lost'; readonly reason: string };

/** A program running in the machine, with its standard input and the lines of its output. */
export interface Channel extends AsyncDisposable {
  /** Lines without their newline; ends when the program or the connection does. */
  readonly lines: AsyncIterable<string>;
  readonly ended: Promise<ChannelEnd>;
  write(text: string | Buffer): void;
  /** Closes the program's standard input. */
  end(): void;
}

/** A user's terminal. */
export interface Terminal {
  /** The value of TERM, e.g. `xterm-256color`. */
  readonly term: string;
  readonly rows: number;
  readonly columns: number;
}

/** A shell in the machine. */
export interface Shell {
  /** Input that the user types, and output to show. */
  readonly stream: Duplex;
  /** Empty with a terminal, which shows it with the rest of the output. */
  readonly stderr: Readable;
  readonly ended: Promise<ChannelEnd>;
  /** Ends the input. */
  end(): void;
  resize(rows: number, columns: number): void;
}

/** A booted VM or host that answers. Disposing it takes it down and leaves nothing behind. */
export interface Machine extends AsyncDisposable {
  readonly facts: MachineFacts;
  /** `uname -r`. */
  readonly release: string;
  /** Starts `frostbite serve`, the guest's side of the trial protocol, as root. */
  serve(): Promise<Channel>;
  /** Runs one command to its end; for diagnosis and tests. */
  exec(command: string, timeoutMs: number): Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** A shell for a user, or without a terminal for a script. Without this method, users connect by their own means. */
  shell?(terminal: Terminal | null): Promise<Shell>;
  /** Starts watching the machine, for one trial. */
  watch(): Promise<Watch>;
  /**
   * Switches the host to a cgroup set-up, with a reboot only if needed, and resolves to whether it was rebooted;
   * `facts` then has the new boot. Does nothing if the host has that set-up already. Not to be called while a `serve`
   * is running. Rejects 'kernel' when its kernel cannot have the set-up, 'machine' when the host does not come back. A
   * machine without this method has every set-up at once, or reports itself what is unsupported.
   */
  setUp?(cgroup: CgroupVersion, signal?: AbortSignal): Promise<boolean>;
  /**
   * Saves the current state for `renew`, in place of one saved before; called ahead of trials whose workload may turn
   * out to be impossible to release. Not to be called while a `serve` is running. Rejects only on abort.
   */
  keep?(signal?: AbortSignal): Promise<void>;
  /**
   * Restores the state saved in this boot, after a workload could not be released. Rejects when that fails or nothing
   * was saved; the machine is then taken down, as one without this method is.
   */
  renew?(signal?: AbortSignal): Promise<void>;
  /**
   * Pauses the machine and its clock, so that nothing in it notices; `isStill` says whether it is paused. When a pause
   * or resume fails, it rejects and the machine is lost: its connection ends, and its condition says why (`control`).
   */
  pause?(): Promise<void>;
  resume?(): Promise<void>;
  readonly isStill?: boolean;
}
