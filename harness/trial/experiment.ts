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

/** What one trial gave. */
export interface TrialOutcome extends Verdict {
  readonly result: GuestResult | null;
  /** What a tool that failed had logged, by name. */
  readonly logs: Logs;
  /** Of a group that did not freeze: the tasks in the way in the moments before the last look, which is the result's. */
  readonly looks: readonly Look[];
  readonly hello: Hello;
  readonly wallUs: number;
  /** What else was seen of it. */
  readonly window: WindowRecord;
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
  // a kernel that has killed a task in its own code holds what the task held
  const isSound = window.facts.every(({ kind }) => kind !== 'oops');
  return { ...common, ...verdict, result, logs, looks, reusable: result.reusable && isSound };
}

/** All that was seen of a trial that is over. */
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
