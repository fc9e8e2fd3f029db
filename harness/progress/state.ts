import type { RunEvent } from '../events.ts';
import { countedOutcomes, isFinal, isSuccess } from '../trial/outcome.ts';
import { successWord } from '../trial/sequence.ts';

/** What a machine is doing, in words, e.g. `booting debian-13`. */
export interface MachineState {
  readonly machine: string;
  readonly doing: string;
}

/** The progress of a run, kept up to date by `observe`. */
export interface State {
  /** Settled trials (finished, or of cells that were given up), out of `trials`. */
  readonly settled: number;
  readonly trials: number;
  /** Estimated time left in ms, from the pace of this session's trials; null before there is a pace. */
  readonly etaMs: number | null;
  readonly machines: readonly MachineState[];
  /** `3/8 frozen` (or `passed`) for a cell, counting the trials of this session. */
  readonly tally: (cell: string) => string;
  /** Whether this session has a trial of the cell that counts in its rate. */
  readonly isMeasured: (cell: string) => boolean;
  /** Whether the reason why a cell ends early was already reported. */
  readonly isTold: (cell: string) => boolean;
}

/** The first trials say little about the pace, since many machines are still running theirs. */
const groundTrials = 2;
const groundShare = 0.03;

/** Follows a run's events. `now` is a monotonic clock in ms. */
export function trackRun(now: () => number = () => performance.now()): {
  readonly observe: (event: RunEvent) => void;
  readonly state: () => State;
} {
  let trials = 0;
  let finishedBefore = 0;
  let perCell = 0;
  let finished = 0;
  let skipped = 0;
  let firstAt: number | null = null;
  const cells = new Map<string, { frozen: number; counted: number; finished: number }>();
  const machines = new Map<string, string>();
  const told = new Set<string>();
  let planned: Extract<RunEvent, { kind: 'run-started' }>['cells'] = [];

  const observe = (event: RunEvent): void => {
    switch (event.kind) {
      case 'run-started':
        trials = event.trials;
        planned = event.cells;
        finishedBefore = event.finished;
        perCell = event.cells.length === 0 ? 0 : event.trials / event.cells.length;
        break;
      case 'machine-booting':
        machines.set(event.machine, `booting ${event.distro}`);
        break;
      case 'machine-step':
        if (event.ms === null) machines.set(event.machine, event.what);
        break;
      case 'machine-ready':
        firstAt ??= now();
        machines.set(event.machine, `${event.distro} ready`);
        break;
      case 'machine-lost':
      case 'machine-done':
        machines.delete(event.machine);
        break;
      case 'trial-finished': {
        firstAt ??= now();
        const { cell, outcome, machine, trial } = event.record;
        machines.set(machine.id, `${cell} #${trial}: ${outcome}`);
        const own = cells.get(cell) ?? { frozen: 0, counted: 0, finished: 0 };
        cells.set(cell, own);
        if (!isFinal(outcome)) break;
        own.finished++;
        finished++;
        if (isSuccess(outcome)) own.frozen++;
        if (countedOutcomes.has(outcome)) own.counted++;
        break;
      }
      case 'cell-finished':
        // trials that will never run must not inflate the estimate
        if (event.reason !== null) {
          skipped += Math.max(0, perCell - (cells.get(event.cell.id)?.finished ?? 0));
        }
        break;
      case 'trials-saved':
        skipped += event.trials;
        break;
      case 'run-finished':
        machines.clear();
        break;
      case 'cells-given-up':
        for (const { id } of event.cells) told.add(id);
        break;
      case 'distro-failed':
        for (const { id, distro } of planned) if (distro === event.distro) told.add(id);
        break;
      case 'preparing':
      case 'prepared':
      case 'kernel-known':
      case 'warning':
        break;
    }
  };

  const state = (): State => {
    const settled = Math.min(trials, finishedBefore + finished + skipped);
    const isGround = finished >= Math.max(groundTrials, groundShare * (trials - finishedBefore));
    const paceMs = firstAt === null || !isGround ? null : (now() - firstAt) / finished;
    return {
      settled,
      trials,
      etaMs: paceMs === null ? null : paceMs * (trials - settled),
      machines: [...machines]
        .map(([machine, doing]) => ({ machine, doing }))
        .sort((a, b) => a.machine.localeCompare(b.machine, 'en', { numeric: true })),
      tally: (cell) => {
        const { frozen, counted } = cells.get(cell) ?? { frozen: 0, counted: 0 };
        return `${frozen}/${counted} ${successWord(cell)}`;
      },
      isMeasured: (cell) => (cells.get(cell)?.counted ?? 0) > 0,
      isTold: (cell) => told.has(cell),
    };
  };
  return { observe, state };
}
