import { clusteredRate, type Cluster, type Interval } from './interval.ts';
import type { Trial } from './trials.ts';

/** The result of real programs in a cell's trials besides the freeze: a dump can fail after it. */
export interface ToolSummary extends Interval {
  /** Programs and versions, in byte order. */
  readonly versions: readonly string[];
  /** Trials in which the tool completed all its work; `trials`: all trials with a tool. */
  readonly done: number;
  readonly trials: number;
  readonly clusters: readonly Cluster[];
  /** Error messages, the most frequent first. */
  readonly errors: readonly { readonly error: string; readonly trials: number }[];
}

/** Sums up the tools of counted trials; null when there were none. */
export function summariseTools(trials: readonly Trial[]): ToolSummary | null {
  const used = trials.flatMap(({ tool, boot }) => (tool === null ? [] : [{ ...tool, boot }]));
  const boots = new Map<string, { frozen: number; trials: number }>();
  const errors = new Map<string, number>();
  for (const { ok, boot, error } of used) {
    const cluster = boots.get(boot) ?? { frozen: 0, trials: 0 };
    boots.set(boot, cluster);
    cluster.trials++;
    if (ok) cluster.frozen++;
    else errors.set(error, (errors.get(error) ?? 0) + 1);
  }
  const clusters = [...boots.values()];
  const rate = clusteredRate(clusters);
  if (rate === undefined) return null;
  return {
    ...{ rate: rate.rate, low: rate.low, high: rate.high },
    versions: [...new Set(used.map(({ version }) => version))].sort(),
    done: used.filter(({ ok }) => ok).length,
    trials: used.length,
    clusters,
    errors: [...errors]
      .map(([error, count]) => ({ error, trials: count }))
      .sort((a, b) => b.trials - a.trials),
  };
}

/** An error message without what differs from trial to trial and means nothing: times, pids, numbers of cgroups. */
export const sameWords = (error: string): string =>
  error
    .replaceAll(/\(\d+\.\d+\) /g, '')
    .replaceAll(/time="[^"]*" /g, '')
    .replaceAll(/frostline-\d+-\d+/g, 'frostline-N')
    .replaceAll(/\bpid \d+/g, 'pid N');
