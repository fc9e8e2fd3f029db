import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine } from '../lab/machine.ts';
import { judgeLoss, judgeResult, type Verdict } from './judge.ts';
import type { GuestResult, Hello, Look } from './protocol.ts';
import type { TrialRequest } from './request.ts';
import type { SequenceRequest } from './sequence.ts';
import type { Logs, Session } from './session.ts';

/** What one trial gave. */
export interface TrialOutcome extends Verdict {
  readonly result: GuestResult | null;
  /** What a tool that failed had logged, by name. */
  readonly logs: Logs;
  /** Of a group that did not freeze: the tasks in the way in the moments before the last look, which is the result's. */
  readonly looks: readonly Look[];
  readonly hello: Hello;
  readonly wallUs: number;
  /** Whether the machine can run another trial. */
  readonly reusable: boolean;
}

/** A dying machine's last words need a moment to reach its console and its exit to be seen. */
const lastWordsMs = 500;

/**
 * Runs one trial in a machine that answers, and judges it. Rejects only on abort: whatever happens to
 * guest, connection or machine is an outcome.
 */
export async function runTrial(
  of: {
    readonly machine: Machine;
    readonly session: Session;
    /** Told for how long (ms) nothing but a look at the group will happen in the guest. */
    readonly onQuiet?: (ms: number) => void;
  },
  request: TrialRequest | SequenceRequest,
  signal?: AbortSignal,
): Promise<TrialOutcome> {
  const { machine, session, onQuiet } = of;
  const attempt = await session.run(request, signal, onQuiet);
  const common = { hello: session.hello, wallUs: attempt.wallUs };
  if (attempt.kind === 'result') {
    const { result, logs, looks } = attempt;
    return { ...common, ...judgeResult(result), result, logs, looks, reusable: result.reusable };
  }
  await sleep(lastWordsMs, undefined, signal ? { signal } : {});
  const verdict = judgeLoss(attempt.loss, await machine.condition());
  return { ...common, ...verdict, result: null, logs: new Map(), looks: [], reusable: false };
}
