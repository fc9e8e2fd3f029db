import type { RunEvent } from '../events.ts';
import { inOneLine } from '../errors.ts';
import { escapeTerminal } from '../report/escape.ts';
import { cellsWords } from '../trial/reason.ts';
import type { State } from './state.ts';

/** A duration as `8s`, `2m10s` or `1h05m`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
}

/** The share of settled trials, as `42%`; 100 only when all are. */
export function share({ settled, trials }: Pick<State, 'settled' | 'trials'>): string {
  return trials === 0 ? '100%' : `${Math.floor((100 * settled) / trials)}%`;
}

export const etaText = ({ etaMs }: Pick<State, 'etaMs'>): string =>
  etaMs === null ? 'eta unknown' : `eta ${duration(etaMs)}`;

/** The log line of an event, escaped and without a newline; null for none. */
export function eventLine(event: RunEvent, state: State): string | null {
  const text = eventText(event, state);
  return text === null ? null : escapeTerminal(text);
}

const inLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ');

function eventText(event: RunEvent, state: State): string | null {
  const percent = `[${share(state).padStart(4)}]`;
  switch (event.kind) {
    case 'run-started': {
      const before = event.finished === 0 ? '' : `, ${event.finished} of them finished before`;
      return (
        `run ${event.run}: ${event.cells.length} cells, ${event.trials} trials${event.sampled ? ' at most' : ''}${before}; ` +
        `${event.jobs} ${event.jobs === 1 ? 'machine' : 'machines'} at once, ${event.lab}`
      );
    }
    case 'preparing':
      return `preparing: ${event.what}`;
    case 'prepared':
      return event.ms < 1000 ? null : `prepared: ${event.what} (${duration(event.ms)})`;
    case 'machine-step':
      if (event.ms === null) return `${event.machine}: ${event.what}`;
      return event.ms < 1000 ? null : `${event.machine}: ${event.what} (${duration(event.ms)})`;
    case 'distro-failed':
      return `${event.distro} cannot be measured: ${inOneLine(event.error)}`;
    case 'machine-lost': {
      const next = event.replaced ? 'a fresh machine takes over' : 'nothing is left for it';
      return `${percent} ${event.machine} (${event.distro}) given up: ${event.reason}; ${next}`;
    }
    case 'cells-given-up': {
      const what = event.cells.some(({ id }) => state.isMeasured(id)) ? 'no more trials' : 'not measured';
      return `${percent} ${what}: ${cellsWords(event.cells)}: ${inLine(event.reason)}`;
    }
    case 'cell-finished': {
      if (event.reason !== null && state.isTold(event.cell.id)) return null;
      const end = event.reason === null ? etaText(state) : `ended early: ${event.reason}`;
      return `${percent} ${event.cell.id}  ${state.tally(event.cell.id)}  ${end}`;
    }
    case 'warning':
      return `warning: ${event.text}`;
    case 'run-finished':
      return `finished in ${duration(event.ms)}: ${event.dir}`;
    case 'machine-booting':
    case 'machine-ready':
    case 'machine-done':
    case 'kernel-known':
    case 'trial-finished':
    case 'trials-saved':
      return null;
  }
}
