import { confidenceSequence } from '../analyse/confidence.ts';
import { clusteredRate, type Cluster } from '../analyse/interval.ts';
import { textOf, type Database, type Row } from './duck.ts';

/** The rate of a cell in one run, or over the runs of one day. */
export interface TrendPoint {
  readonly cell: string;
  /** A run's id, or a day (UTC). */
  readonly at: string;
  readonly trials: number;
  /** Trials that froze; for a sequence, trials that passed. */
  readonly frozen: number;
  readonly rate: number;
  /** The 95 % interval, which accounts for boots. */
  readonly low: number;
  readonly high: number;
  readonly boots: number;
  /** Kernel releases of the guests, in byte order. */
  readonly releases: readonly string[];
  /** How machines were emulated, in byte order. */
  readonly machines: readonly string[];
  /** Whether the kernels differ from those of the cell's previous point. */
  readonly kernelChanged: boolean;
  readonly machinesChanged: boolean;
}

export interface TrendOptions {
  /** A shell pattern for cells; `*` matches slashes too. */
  readonly cell: string;
  readonly by: 'run' | 'day';
  /** The first day; undefined for all. */
  readonly since: string | undefined;
}

/** The rates of cells over time, sorted by cell and then by time. */
export async function trend(database: Database, { cell, by, since }: TrendOptions): Promise<TrendPoint[]> {
  const rows = await database.rows(
    `WITH boots AS (
       SELECT run, cell, ${by === 'run' ? 'run' : 'left(run, 10)'} AS point, boot, "release",
         concat_ws(', ', driver, accel, 'QEMU ' || qemu) AS machines,
         count(*)::INTEGER AS trials, count_if(success)::INTEGER AS frozen
       FROM trials
       WHERE counts AND cell ${/[*?[]/.test(cell) ? 'GLOB' : '='} $cell AND run >= $since
       GROUP BY ALL
     )
     SELECT cell, point, list_sort(list(DISTINCT "release")) AS releases, list_sort(list(DISTINCT machines)) AS machines,
       list(frozen) AS frozen, list(boots.trials) AS trials, bool_or(half_width IS NOT NULL) AS sampled
     FROM boots JOIN runs USING (run) GROUP BY cell, point ORDER BY cell, point`,
    { cell, since: since ?? '' },
  );
  let before: TrendPoint | undefined;
  return rows.flatMap((row) => {
    const point = pointOf(row, before);
    before = point ?? before;
    return point === undefined ? [] : [point];
  });
}

function pointOf(row: Row, before: TrendPoint | undefined): TrendPoint | undefined {
  const clusters = clustersOf(row);
  const interval = row['sampled'] === true ? confidenceSequence(clusters) : clusteredRate(clusters);
  if (interval === undefined) return undefined;
  const cell = textOf(row, 'cell');
  const releases = words(row['releases']);
  const machines = words(row['machines']);
  const last = before?.cell === cell ? before : undefined;
  return {
    ...{ cell, at: textOf(row, 'point') },
    trials: clusters.reduce((sum, one) => sum + one.trials, 0),
    frozen: clusters.reduce((sum, one) => sum + one.frozen, 0),
    ...{ rate: interval.rate, low: interval.low, high: interval.high },
    boots: clusters.length,
    ...{ releases, machines },
    kernelChanged: last !== undefined && last.releases.join() !== releases.join(),
    machinesChanged: last !== undefined && last.machines.join() !== machines.join(),
  };
}

/** From two lists of numbers: creating millions of objects would take longer than the query. */
function clustersOf(row: Row): Cluster[] {
  const trials = row['trials'] as readonly number[];
  return (row['frozen'] as readonly number[]).map((frozen, i) => ({ frozen, trials: trials[i] ?? 0 }));
}

const words = (value: Row[string] | undefined): string[] =>
  Array.isArray(value) ? value.filter((one) => one !== null).map(String) : [];
