import { setTimeout as sleep } from 'node:timers/promises';
import { FrostlineError, type ErrorCode } from '../errors.ts';

/** How long to wait and for what: `what` and `code` make up the error when time runs out; `signal` aborts the wait. */
export interface Deadline {
  readonly ms: number;
  readonly what: string;
  readonly code?: ErrorCode;
  readonly signal?: AbortSignal | undefined;
}

/** Settles like `work`, or rejects on abort, or after `ms` with an error that names `what`. */
export async function within<T>(deadline: Deadline, work: Promise<T>): Promise<T> {
  const { ms, what, code = 'machine', signal } = deadline;
  const over = new AbortController();
  try {
    return await Promise.race([
      work,
      sleep(ms, undefined, { signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal }).then(
        () => Promise.reject(new FrostlineError(`${what}: not within ${ms / 1000} s`, { code })),
        (error: unknown) => (signal?.aborted ? Promise.reject(signal.reason) : Promise.reject(error)),
      ),
    ]);
  } finally {
    over.abort();
  }
}

/** Calls `probe` every `everyMs` until it returns something other than undefined, within `deadline`. */
export async function until<T>(
  deadline: Deadline,
  everyMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const stop = new AbortController();
  const loop = async (): Promise<T> => {
    for (;;) {
      const value = await probe();
      if (value !== undefined) return value;
      stop.signal.throwIfAborted();
      await sleep(everyMs, undefined, { signal: stop.signal });
    }
  };
  try {
    return await within(deadline, loop());
  } finally {
    stop.abort();
  }
}
