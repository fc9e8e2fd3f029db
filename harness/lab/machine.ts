import type { Duplex, Readable } from 'node:stream';
import type { CgroupVersion } from '../matrix/matrix.ts';
import type { MachineFacts } from './facts.ts';
import type { KernelFact } from './kernel.ts';

/** A change of a virtual machine's state that its keeper told (QMP's events). */
export interface StateChange {
  readonly event: 'STOP' | 'RESUME' | 'SHUTDOWN' | 'RESET' | 'GUEST_PANICKED' | 'WATCHDOG';
  /** Whether frostline asked for it. */
  readonly isOurs: boolean;
  /** What the keeper says besides, e.g. `guest-reset`. */
  readonly detail: string | null;
  /** Since the window began. */
  readonly us: number;
}

/** How a machine stands when its guest has gone silent or its connection is lost. */
export interface Condition {
  /** False when the process that is the machine has ended, or the host is not there. */
  readonly alive: boolean;
  /** QEMU's word for its run state, `unknown` when it does not say; null where no QEMU can be asked. */
  readonly state: string | null;
  /** Whether a command in the guest is answered, so that user space is scheduled; null: it was not asked. */
  readonly answers: boolean | null;
  /** A pause or a start of frostline's own that failed. */
  readonly control: string | null;
  /** How it ended, or what is odd about it, and who was asked; for people. */
  readonly detail: string | null;
  readonly facts: readonly KernelFact[];
}

/** What the host gave a vCPU so far: time on a CPU, and time it waited for one (null: the host does not say). */
export interface VcpuTime {
  readonly ranMs: number;
  readonly waitedMs: number | null;
}

/** A machine from the moment on at which a trial begins. Nothing of it rejects. */
export interface Watch {
  /** What the kernel has said since on a console that is at hand. */
  facts(): Promise<readonly KernelFact[]>;
  /** What its keeper has told of its state since, where it has one that tells. */
  changes(): readonly StateChange[];
  /**
   * Asks the machine's keeper, and where that tells more the guest, how it stands. `kernelUs` is where the kernel's log
   * was at the beginning, on the kernel's clock; null: the guest did not say.
   */
  condition(kernelUs: number | null): Promise<Condition>;
  /** What each vCPU had of the host so far; null where that cannot be read. */
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

/** The terminal of a person. */
export interface Terminal {
  /** As of TERM, e.g. `xterm-256color`. */
  readonly term: string;
  readonly rows: number;
  readonly columns: number;
}

/** A shell in the machine. */
export interface Shell {
  /** What is typed, and what is shown. */
  readonly stream: Duplex;
  /** Empty where there is a terminal, which shows it with the rest. */
  readonly stderr: Readable;
  readonly ended: Promise<ChannelEnd>;
  /** Nothing more will be typed. */
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
  /** A shell for a person, or without a terminal for a script; a machine without it is reached by its user's own means. */
  shell?(terminal: Terminal | null): Promise<Shell>;
  /** Watches it from now on, for one trial. */
  watch(): Promise<Watch>;
  /**
   * Brings the host to a cgroup set-up, by a reboot where nothing less does, and resolves to whether it was
   * rebooted: `facts` has the new boot then. No `serve` is running when it is called, and it does nothing where
   * the host is there already. Rejects 'kernel' when its kernel cannot have it, 'machine' when it does not come
   * back. A machine without it has every set-up at once, or says itself what is unsupported.
   */
  setUp?(cgroup: CgroupVersion, signal?: AbortSignal): Promise<boolean>;
  /**
   * Keeps the state it has now for `renew`, in place of one kept before: asked for ahead of trials that may not be
   * released. No `serve` is running when it is called. Rejects on abort alone.
   */
  keep?(signal?: AbortSignal): Promise<void>;
  /**
   * Brings back the state that was kept in this boot, where a workload could not be released. Rejects when it cannot, or
   * none was kept: the machine is then taken down as one without it is.
   */
  renew?(signal?: AbortSignal): Promise<void>;
  /**
   * Holds it still, its clock too: nothing in it notices. `isStill` says whether it is. One that cannot be held, or let
   * go, rejects and is lost: its connection ends, and its condition says why (`control`).
   */
  pause?(): Promise<void>;
  resume?(): Promise<void>;
  readonly isStill?: boolean;
}
