import { textOf, type Database } from './duck.ts';

/** A cell whose result varies on one kernel. */
export interface FlakyCell {
  readonly cell: string;
  readonly release: string;
  readonly trials: number;
  readonly frozen: number;
  readonly rate: number;
  /** Boots in which some trials froze and some did not; `boots`: all boots. */
  readonly mixedBoots: number;
  readonly boots: number;
  /** Runs whose boots gave different results, or that had a mixed boot; `runs`: all runs. */
  readonly mixedRuns: number;
  readonly runs: number;
  /**
   * Where the result varies: within one boot, from boot to boot of a run, or only from run to run. The first indicates
   * a race, the last a change outside the kernel.
   */
  readonly varies: 'within a boot' | 'between boots' | 'between runs';
}

/**
 * Cells whose rate is neither 0 nor 1 on one kernel, those nearest to one half first. `since` is the first day that
 * counts.
 */
export async function flaky(database: Database, since: string | undefined): Promise<FlakyCell[]> {
  const rows = await database.rows(
    `WITH boots AS (
       SELECT cell, "release", run, boot, count(*) AS trials, count(*) FILTER (WHERE success) AS frozen
       FROM trials WHERE counts AND run >= $since GROUP BY ALL
     ), runs AS (
       SELECT cell, "release", run, sum(trials) AS trials, sum(frozen) AS frozen, count(*) AS boots,
         count(*) FILTER (WHERE frozen > 0 AND frozen < trials) AS mixed
       FROM boots GROUP BY ALL
     )
     SELECT cell, "release", sum(trials) AS trials, sum(frozen) AS frozen,
       sum(frozen) / sum(trials) AS rate, sum(mixed) AS mixed_boots, sum(boots) AS boots,
       count(*) FILTER (WHERE frozen > 0 AND frozen < trials) AS mixed_runs, count(*) AS runs
     FROM runs GROUP BY cell, "release" HAVING sum(frozen) > 0 AND sum(frozen) < sum(trials)
     ORDER BY abs(rate - 0.5), trials DESC, cell, "release"`,
    { since: since ?? '' },
  );
  return rows.map((row) => {
    const number = (name: string): number => Number(row[name]);
    const [mixedBoots, mixedRuns] = [number('mixed_boots'), number('mixed_runs')];
    return {
      ...{ cell: textOf(row, 'cell'), release: textOf(row, 'release') },
      ...{ trials: number('trials'), frozen: number('frozen'), rate: number('rate') },
      ...{ mixedBoots, boots: number('boots'), mixedRuns, runs: number('runs') },
      varies: mixedBoots > 0 ? 'within a boot' : mixedRuns > 0 ? 'between boots' : 'between runs',
    };
  });
}
