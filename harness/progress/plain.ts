import type { Listener } from '../events.ts';
import { trackRun } from './state.ts';
import { eventLine } from './words.ts';

/** A listener that shows a run; `close` leaves the stream as it should stay. */
export type ProgressListener = Listener & { readonly close: () => void };

/** Shows a run as a log, one line for what is worth one: for CI, files and pipes. */
export function plainProgress(stream: NodeJS.WritableStream, now?: () => number): ProgressListener {
  const { observe, state } = trackRun(now);
  const listen: Listener = (event) => {
    observe(event);
    const line = eventLine(event, state());
    if (line !== null) stream.write(`${line}\n`);
  };
  return Object.assign(listen, { close: () => undefined });
}
