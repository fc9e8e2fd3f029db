import type { Judgement } from '../analyse/expect.ts';
import { lostTrials } from '../analyse/state.ts';
import type { CellSummary, Summary } from '../analyse/summary.ts';
import { escapeCsv } from './escape.ts';
import { cellStatuses, type CellStatus } from './status.ts';

/** The columns, in order; times are microseconds, rates between 0 and 1. Unknown values are empty. */
const columns: Readonly<Record<string, (one: CellStatus) => string | number | null>> = {
  cell: ({ cell }) => cell.id,
  distro: ({ cell }) => cell.distro,
  kernel: ({ cell }) => cell.releases.join(' '),
  cgroup: ({ cell }) => cell.cgroup,
  runtime: ({ cell }) => cell.runtime,
  workload: ({ cell }) => cell.workload,
  strategy: ({ cell }) => cell.strategy,
  trials: ({ cell }) => cell.trials,
  frozen: ({ cell }) => cell.frozen,
  rate: ({ cell }) => cell.rate,
  low: ({ cell }) => cell.low,
  high: ({ cell }) => cell.high,
  boots: ({ cell }) => cell.boots,
  design_effect: ({ cell }) => cell.deff,
  p50_us: ({ cell }) => cell.p50Us,
  p95_us: ({ cell }) => cell.p95Us,
  crashes: ({ cell }) => lostTrials(cell),
  false_frozen: ({ cell }) => cell.outcomes['false-frozen'] ?? 0,
  thaws_not_whole: ({ cell: { thaw } }) => (thaw['thaw-stuck'] ?? 0) + (thaw.casualties ?? 0),
  blocked_by: ({ cell }) => firstBlocker(cell),
  state: ({ state }) => state,
  status: ({ status }) => status,
  why: ({ why }) => why,
};

/** A summary as CSV (RFC 4180) with a header: a row for each cell. */
export function csvReport(summary: Summary, judgements: readonly Judgement[]): string {
  const rows = cellStatuses(summary, judgements).map((one) =>
    Object.values(columns).map((column) => field(column(one))),
  );
  return [Object.keys(columns), ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

const firstBlocker = ({ blockers: [first] }: CellSummary): string =>
  first === undefined ? '' : `${first.where} in ${first.state}`;

function field(value: string | number | null): string {
  if (value === null) return '';
  return typeof value === 'number' ? String(value) : escapeCsv(value);
}
