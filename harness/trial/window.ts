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
  /** Heartbeats report that frostbite is stuck in the freezer. */
  | { readonly how: 'stuck' }
  /** The program or the connection ended. */
  | { readonly how: 'ended'; readonly end: ChannelEnd }
  /** The guest violated the protocol. */
  | { readonly how: 'garbled'; readonly line: string };

/** How long the guest was silent. */
export interface Silence {
  /** Seconds without a heartbeat, not counting those in which its machine was paused. */
  readonly seconds: number;
  /** The part of the silence, nearly all of it, for which `vcpus` is the host time of each vCPU; null: unknown. */
  readonly overMs: number;
  readonly vcpus: readonly VcpuTime[] | null;
}

/** What the guest reported besides its result. */
export interface Heard {
  /** The phase in the last heartbeat. */
  readonly phase: string;
  /** The timestamp of the last line of the kernel log when the trial began, µs; null if unknown. */
  readonly kernelUs: number | null;
  /** Where its trial thread was stuck at the last heartbeat; null if it was not. */
  readonly stuck: Stuck | null;
  readonly silence: Silence;
}

/** Everything observed during one trial, from its beginning to its end. */
export interface Window {
  readonly end:
    | { readonly kind: 'result'; readonly result: Pick<GuestResult, 'outcome' | 'reason'> }
    | { readonly kind: 'lost'; readonly loss: Loss };
  readonly heard: Heard;
  /** Trouble that the kernel reported. */
  readonly facts: readonly KernelFact[];
  /** State changes of a virtual machine, and who requested them. */
  readonly changes: readonly StateChange[];
  /** The condition of the machine; null: not examined, since there is a result. */
  readonly condition: Condition | null;
}

/** A vCPU with less host time than this cannot be expected to send a heartbeat. */
const enoughMs = 3000;

/** Whether the host kept a vCPU waiting for at least half of the silence, and gave it hardly any time. */
export function isStarved({ overMs, vcpus }: Silence): boolean {
  return (vcpus ?? []).some(
    // if the host does not report how long a vCPU waited, assume that it waited whenever it did not run
    ({ ranMs, waitedMs }) => ranMs < enoughMs && (waitedMs ?? overMs - ranMs) >= overMs / 2,
  );
}

const maxChanges = 16;

/** Extracts what goes into the trial's record. */
export function windowRecord({ heard, facts, changes }: Window): WindowRecord {
  return {
    phase: heard.phase,
    facts: countFacts(facts),
    ...(changes.length === 0 ? {} : { changes: changes.slice(-maxChanges) }),
    ...(heard.stuck === null ? {} : { stuck: heard.stuck }),
  };
}
