import { createLogUpdate } from 'log-update';
import type { Listener } from '../events.ts';
import { escapeTerminal } from '../report/escape.ts';
import { plainProgress, type ProgressListener } from './plain.ts';
import { trackRun, type State } from './state.ts';
import { etaText, eventLine, share } from './words.ts';

/** At most ten redraws per second. */
const frameMs = 100;
const barWidth = 30;
const machinesShown = 8;

/**
 * Shows a run in a terminal: finished cells and warnings scroll by; below them a bar and the activity of each machine
 * are redrawn. On a stream that is not a terminal, or in CI, it is `plainProgress`.
 */
export function liveProgress(
  stream: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number },
  env: NodeJS.ProcessEnv,
): ProgressListener {
  if (stream.isTTY !== true || env['TERM'] === 'dumb' || (env['CI'] ?? '') !== '')
    return plainProgress(stream);
  const { observe, state } = trackRun();
  const view = createLogUpdate(stream);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let lines: string[] = [];
  const draw = (): void => {
    timer = undefined;
    // written together with the next frame: written alone they would blank the view until then
    if (lines.length > 0) view.persist(lines.join('\n'));
    lines = [];
    if (!closed) view(frame(state(), stream.columns ?? 80));
  };
  const listen: Listener = (event) => {
    if (closed) return;
    observe(event);
    const line = eventLine(event, state());
    if (line !== null) lines.push(line);
    // the timer must not keep a finished process alive
    timer ??= setTimeout(draw, frameMs).unref();
  };
  const close = (): void => {
    if (closed) return;
    closed = true;
    clearTimeout(timer);
    view.clear();
    draw();
    view.done();
  };
  return Object.assign(listen, { close });
}

/** The redrawn lines, each cut to the terminal's width. */
export function frame(state: State, columns: number): string {
  const filled = state.trials === 0 ? 0 : Math.floor((barWidth * state.settled) / state.trials);
  const bar = '#'.repeat(filled).padEnd(barWidth, '.');
  const busy = state.machines.slice(0, machinesShown);
  const more = state.machines.length - busy.length;
  const lines = [
    `[${bar}] ${share(state)}  ${state.settled}/${state.trials} trials  ${etaText(state)}`,
    ...busy.map(({ machine, doing }) => `  ${machine.padEnd(4)} ${doing}`),
    ...(more > 0 ? [`  and ${more} more machines`] : []),
  ];
  return lines.map((line) => escapeTerminal(line).slice(0, columns - 1)).join('\n');
}
