import { setTimeout as sleep } from 'node:timers/promises';
import { mergeFacts, readFacts } from '../lab/kernel.ts';
import type { Machine, Watch } from '../lab/machine.ts';
import { hostTime } from './host-time.ts';
import { judge, type Verdict } from './judge.ts';
import type { GuestResult, Hello, Look } from './protocol.ts';
import type { TrialRequest } from './request.ts';
import type { SequenceRequest } from './sequence.ts';
import type { Attempt, Logs, Session } from './session.ts';
import type { WindowRecord } from './window-record.ts';
import { windowRecord, type Window } from './window.ts';

/** The result of one trial. */
export interface TrialOutcome extends Verdict {
  readonly result: GuestResult | null;
  /** Logs of a tool that failed, by name. */
  readonly logs: Logs;
  /** If the group did not freeze: the blockers at earlier looks. The last look is in `result`. */
  readonly looks: readonly Look[];
  readonly hello: Hello;
  readonly wallUs: number;
  /** What else was observed during the trial. */
  readonly window: WindowRecord;
  /** Whether the machine can run another trial. */
  readonly reusable: boolean;
}

/** A dying machine's last output needs a moment to reach its console, and so does its exit to be noticed. */
const lastWordsMs = 500;

/**
 * Runs one trial in a machine that answers, and judges it. Rejects only on abort: whatever happens to the
 * guest, the connection or the machine is an outcome.
 */
export async function runTrial(
  of: {
    readonly machine: Machine;
    readonly session: Session;
    /** Called with the time (ms) for which the guest will do nothing but read the state of the group. */
    readonly onQuiet?: (ms: number) => void;
  },
  request: TrialRequest | SequenceRequest,
  signal?: AbortSignal,
): Promise<TrialOutcome> {
  const { machine, session, onQuiet } = of;
  const watch = await machine.watch();
  const before = await watch.vcpus?.();
  const attempt = await session.run(request, { signal, onQuiet, watch });
  const host = hostTime(before, await watch.vcpus?.());
  const window = await look(watch, attempt, signal);
  const kept = { ...windowRecord(window), ...(host === null ? {} : { host }) };
  const common = { hello: session.hello, wallUs: attempt.wallUs, window: kept };
  const verdict = judge(window);
  if (attempt.kind === 'lost')
    return { ...common, ...verdict, result: null, logs: new Map(), looks: [], reusable: false };
  const { result, logs, looks } = attempt;
  // after an oops the kernel still holds the locks of the task that it killed
  const isSound = window.facts.every(({ kind }) => kind !== 'oops');
  return { ...common, ...verdict, result, logs, looks, reusable: result.reusable && isSound };
}

/** Gathers everything observed of a trial that has ended. */
async function look(watch: Watch, attempt: Attempt, signal?: AbortSignal): Promise<Window> {
  const { heard } = attempt;
  if (attempt.kind === 'result') {
    const { result } = attempt;
    const facts = mergeFacts(await watch.facts(), readFacts((result.kernel ?? []).join('\n')));
    return { end: { kind: 'result', result }, heard, facts, changes: watch.changes(), condition: null };
  }
  await sleep(lastWordsMs, undefined, signal ? { signal } : {});
  const condition = await watch.condition(heard.kernelUs);
  const { facts } = condition;
  return {
    ...{ end: { kind: 'lost', loss: attempt.loss }, heard, facts, condition },
    changes: watch.changes(),
  };
}
