import type { Listener } from '../events.ts';
import { trackRun } from './state.ts';
import { etaText, eventLine, share } from './words.ts';

/** A listener that shows a run; `close` leaves the stream as it should stay. */
export type ProgressListener = Listener & { readonly close: () => void };

/** A log that is silent for longer than this looks like one that hangs. */
const quietMs = 30_000;

/**
 * Shows a run as a log, one line for what is worth one: for CI, files and pipes. After half a minute
 * without such a line the next trial is worth one, so that a long run shows that it moves.
 */
export function plainProgress(
  stream: NodeJS.WritableStream,
  now: () => number = () => performance.now(),
): ProgressListener {
  const { observe, state } = trackRun(now);
  let saidAt = now();
  const listen: Listener = (event) => {
    observe(event);
    const line = eventLine(event, state()) ?? (event.kind === 'trial-finished' ? pulse() : null);
    if (line === null) return;
    saidAt = now();
    stream.write(`${line}\n`);
  };
  const pulse = (): string | null => {
    if (now() - saidAt < quietMs) return null;
    const { settled, trials, machines } = state();
    const doing = machines
      .map(({ machine, doing: what }) => `${machine} ${what.replace(/ #.*/, '')}`)
      .join(', ');
    return `[${share({ settled, trials }).padStart(4)}] ${settled}/${trials} trials  ${etaText(state())}  (${doing})`;
  };
  return Object.assign(listen, { close: () => undefined });
}
