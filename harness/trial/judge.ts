import type { Condition, ConsoleFact } from '../lab/machine.ts';
import type { Outcome } from './outcome.ts';
import type { GuestResult } from './protocol.ts';
import type { Loss } from './session.ts';

/** An outcome with the sentence that explains it, where it needs one. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly reason: string | null;
}

/** The outcome of a trial that the guest itself reported. */
export function judgeResult({ outcome, reason }: GuestResult): Verdict {
  return { outcome: outcome === 'error' ? 'lab-error' : outcome, reason };
}

/** Run states in which QEMU itself stopped the guest (qapi/run-state.json): not the kernel's doing. */
const stoppedByQemu = /io-error|internal-error|watchdog|finish-migrate|save-vm|colo/;

const findFact = (facts: readonly ConsoleFact[], kinds: readonly ConsoleFact['kind'][]): string | undefined =>
  facts.find(({ kind }) => kinds.includes(kind))?.line;

/**
 * The outcome of a trial whose guest was lost. Unknown failures are ours (`lab-error`); only these rules
 * make one the kernel's:
 *
 * 1. a panic or oops on the console: kernel-crash;
 * 2. the machine runs, and its console reports a lockup: kernel-hang;
 * 3. the machine runs, and nothing in its user space has been scheduled for many seconds: kernel-hang.
 */
export function judgeLoss(loss: Loss, condition: Condition): Verdict {
  const crash = findFact(condition.facts, ['panic', 'oops']);
  if (crash !== undefined) return { outcome: 'kernel-crash', reason: crash };
  const detail = condition.detail ?? 'no more is known';
  if (!condition.alive) return { outcome: 'lab-error', reason: `machine ended: ${detail}` };
  if (stoppedByQemu.test(detail))
    return { outcome: 'lab-error', reason: `machine stopped by QEMU: ${detail}` };
  const lockup = findFact(condition.facts, ['lockup', 'rcu-stall']);
  switch (loss.how) {
    case 'silent':
      return { outcome: 'kernel-hang', reason: lockup ?? `no heartbeat for ${loss.seconds} s (${detail})` };
    case 'late':
      return {
        outcome: 'lab-error',
        reason: `no result after ${loss.seconds} s though the guest runs; frostbite was at: ${loss.phase}`,
      };
    case 'garbled':
      return {
        outcome: 'lab-error',
        reason: `frostbite said what is not the protocol: ${loss.line.slice(0, 200)}`,
      };
    case 'ended':
      if (loss.end.kind === 'lost') {
        const hang =
          lockup ?? (/keepalive/i.test(loss.end.reason) ? `${loss.end.reason} (${detail})` : undefined);
        if (hang !== undefined) return { outcome: 'kernel-hang', reason: hang };
        return { outcome: 'lab-error', reason: `connection lost: ${loss.end.reason} (${detail})` };
      }
      return {
        outcome: 'lab-error',
        reason: `frostbite ended with ${loss.end.signal ?? loss.end.code}: ${loss.end.stderr.trim().slice(-300)}`,
      };
  }
}
