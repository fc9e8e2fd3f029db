import type { Listener } from '../events.ts';
import { trackRun } from './state.ts';
import { etaText, eventLine, share } from './words.ts';

/** A listener that shows a run; `close` leaves the stream in its final state. */
export type ProgressListener = Listener & { readonly close: () => void };

/** A log that is silent for longer than this looks as if the run hangs. */
const quietMs = 30_000;
/** Room on a line for the activity of the machines, in characters. */
const doingWidth = 100;

/**
 * Shows a run as a log, one line per noteworthy event: for CI, files and pipes. After half a minute without a line the
 * next trial gets one, so that a long run shows progress.
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
    const doing = machines.map(({ machine, doing: what }) => `${machine} ${what.replace(/ #.*/, '')}`);
    return `[${share({ settled, trials }).padStart(4)}] ${settled}/${trials} trials  ${etaText(state())}  (${fitting(doing)})`;
  };
  return Object.assign(listen, { close: () => undefined });
}

/** As many as fit on a line, but at least one; the rest is counted. */
function fitting(words: readonly string[]): string {
  let width = 0;
  const shown = words.filter((word, i) => (width += word.length + 2) <= doingWidth || i === 0);
  const more = words.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
