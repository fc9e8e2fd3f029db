import { countFacts, type KernelFact } from '../lab/kernel.ts';
import type { ChannelEnd, Condition, StateChange, VcpuTime } from '../lab/machine.ts';
import type { GuestResult, Stuck } from './protocol.ts';
import type { WindowRecord } from './window-record.ts';

/** How a trial was lost without a result. */
export type Loss =
  /** No heartbeat: nothing in the guest's user space is scheduled. */
  | { readonly how: 'silent' }
  /** Heartbeats, but no result long after the trial's own deadline. */
  | { readonly how: 'late'; readonly seconds: number }
  /** Heartbeats that say that the kernel holds frostbite in the freezer. */
  | { readonly how: 'stuck' }
  /** The program or the connection ended. */
  | { readonly how: 'ended'; readonly end: ChannelEnd }
  /** The guest said something that is not the protocol. */
  | { readonly how: 'garbled'; readonly line: string };

/** How long the guest was not heard of. */
export interface Silence {
  /** Seconds in which its machine was to run. */
  readonly seconds: number;
  /** What each vCPU had of the host in `overMs` of them, which is nearly all; null: that is not known. */
  readonly overMs: number;
  readonly vcpus: readonly VcpuTime[] | null;
}

/** What the guest told besides its result. */
export interface Heard {
  /** The phase it was in, as last told: it is told once a second. */
  readonly phase: string;
  /** Where the kernel's log was at the beginning, on the kernel's clock. */
  readonly kernelUs: number | null;
  /** Where its thread was when it had been there for long, at the last heartbeat. */
  readonly stuck: Stuck | null;
  readonly silence: Silence;
}

/** All that was seen of one trial, from its beginning to its end, and of nothing else. */
export interface Window {
  readonly end:
    | { readonly kind: 'result'; readonly result: Pick<GuestResult, 'outcome' | 'reason'> }
    | { readonly kind: 'lost'; readonly loss: Loss };
  readonly heard: Heard;
  /** What the kernel said that tells of trouble. */
  readonly facts: readonly KernelFact[];
  /** What became of a virtual machine's state, and who asked for it. */
  readonly changes: readonly StateChange[];
  /** How the machine stands; null: it was not asked, since there is a result. */
  readonly condition: Condition | null;
}

/** A vCPU with less time than that cannot be held to a heartbeat. */
const enoughMs = 3000;

/** Whether the host kept a vCPU waiting for at least half of the silence, and gave it next to nothing. */
export function isStarved({ overMs, vcpus }: Silence): boolean {
  return (vcpus ?? []).some(
    // a host that does not say how long a vCPU waited may have kept it waiting whenever it did not run
    ({ ranMs, waitedMs }) => ranMs < enoughMs && (waitedMs ?? overMs - ranMs) >= overMs / 2,
  );
}

const maxChanges = 16;

/** What of a window goes into the record. */
export function windowRecord({ heard, facts, changes }: Window): WindowRecord {
  return {
    phase: heard.phase,
    facts: countFacts(facts),
    ...(changes.length === 0 ? {} : { changes: changes.slice(-maxChanges) }),
    ...(heard.stuck === null ? {} : { stuck: heard.stuck }),
  };
}
