import { boundedLines } from '../base/lines.ts';
import type { ChannelEnd, Condition, Machine, Watch } from '../lab/machine.ts';
import { sampleRecord } from '../record/sample.ts';

/** The hello message of a working frostbite. */
export const soundHello = JSON.stringify({
  ...{ ev: 'hello', version: '1', release: '6.12.0', arch: 'x86_64', cpus: 2, boot: 'b', v1: null, v2: '/2' },
});

/** A trial result as frostbite sends it, on one line. */
export function soundResult(trial: number, change: object = {}): string {
  const { frozenUs, writes, reads, thaws, states, thaw, blockers, tool } = sampleRecord();
  const figures = { frozenUs, writes, reads, thaws, states, thaw, blockers, tool };
  const fields = { outcome: 'frozen', reason: null, runtime: null, reusable: true, guestUs: 1 };
  return JSON.stringify({ ev: 'result', trial, ...figures, ...fields, ...change });
}

/** A watch that observes these conditions on a healthy machine. */
export function watchSeeing(
  change: Partial<Condition> = {},
  changes: ReturnType<Watch['changes']> = [],
): Watch {
  const well = { alive: true, state: null, answers: null, control: null, detail: null };
  const condition = { ...well, facts: [], ...change };
  return {
    facts: () => Promise.resolve(condition.facts),
    changes: () => changes,
    condition: () => Promise.resolve(condition),
  };
}

/** A machine whose guest sends these bytes whatever the request; then its channel ends as given, or stays open. */
export function machineSaying(bytes: AsyncIterable<Buffer>, end: ChannelEnd | null): Machine {
  const { machine: facts } = sampleRecord();
  return {
    facts,
    release: '6.12.0',
    serve: () =>
      Promise.resolve({
        lines: boundedLines(bytes, 64 * 1024),
        ended: end === null ? new Promise(() => undefined) : Promise.resolve(end),
        write: () => undefined,
        end: () => undefined,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
    exec: () => Promise.reject(new Error('no command is run here')),
    watch: () => Promise.resolve(watchSeeing()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
