import type { Judgement } from '../analyse/expect.ts';
import type { CellSummary, Summary } from '../analyse/summary.ts';

/** A summary as one JSON document for machines. `schema` changes when a field changes its meaning. */
export function jsonReport(summary: Summary, judgements: readonly Judgement[]): string {
  const { id, ...run } = summary.run;
  const verdicts = new Map<string, { rate: string; verdict: string }[]>();
  for (const { cell, expected, verdict } of judgements) {
    const own = verdicts.get(cell.id) ?? [];
    own.push({ rate: `${expected.op} ${expected.value}`, verdict });
    verdicts.set(cell.id, own);
  }
  const cells = summary.cells.map((cell) => ({ ...cellJson(cell), expect: verdicts.get(cell.id) ?? [] }));
  const differences = summary.differences.map(({ from, to, of, by, p, adjusted }) => ({
    ...{ from: from.id, to: to.id, of },
    ...{ difference: by.rate, low: by.low, high: by.high, p, adjusted },
  }));
  return `${JSON.stringify({ schema: 1, run: id, ...run, cells, differences }, null, 2)}\n`;
}

function cellJson({ releases, notMeasured, ...cell }: CellSummary): object {
  const { id, distro, cgroup, runtime, workload, strategy, trials, frozen, rate, low, high } = cell;
  const {
    p50Us,
    p95Us,
    outcomes,
    blockers,
    failures,
    boots,
    icc,
    deff,
    advice,
    thaw,
    notFrozen,
    environments,
    incidents,
    tool,
  } = cell;
  return {
    id,
    distro,
    release: releases.length === 0 ? null : releases.join(', '),
    ...{ cgroup, runtime, workload, strategy, trials, frozen, rate, low, high, p50Us, p95Us },
    ...{
      outcomes,
      blockers,
      failures,
      notFrozen,
      boots,
      icc,
      deff,
      advice,
      thaw,
      environments,
      incidents,
      tool,
    },
    notMeasured: notMeasured?.kind ?? null,
    reason: notMeasured?.reason ?? null,
  };
}
