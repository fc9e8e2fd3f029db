import type { Judgement } from '../analyse/expect.ts';
import { exitCode } from '../analyse/state.ts';
import type { CellSummary, Summary } from '../analyse/summary.ts';
import { escapeJson } from './escape.ts';
import { cellStatuses } from './status.ts';

/** A summary as one JSON document for programs. `schema` changes when a field changes its meaning. */
export function jsonReport(summary: Summary, judgements: readonly Judgement[]): string {
  const { id, ...run } = summary.run;
  const verdicts = new Map<string, object[]>();
  for (const { cell, expected, found, verdict } of judgements) {
    const own = verdicts.get(cell.id) ?? [];
    const { value, low, high } = found;
    own.push({
      [expected.of]: expected.text,
      verdict,
      ...{ found: finite(value), low: finite(low), high: finite(high) },
    });
    verdicts.set(cell.id, own);
  }
  const statuses = cellStatuses(summary, judgements);
  const cells = statuses.map(({ cell, state, why }) => ({
    ...{ id: cell.id, state, why },
    ...cellJson(cell),
    expect: verdicts.get(cell.id) ?? [],
  }));
  const differences = summary.differences.map(({ from, to, of, by, p, adjusted }) => ({
    ...{ from: from.id, to: to.id, of },
    ...{ difference: by.rate, low: by.low, high: by.high, p, adjusted },
  }));
  return `${escapeJson({ schema: 1, run: id, ...run, exitCode: exitCode(statuses), cells, differences })}\n`;
}

/** JSON has no Infinity: a time that is never reached becomes null. */
const finite = (value: number): number | null => (value === Infinity ? null : value);

function timesJson({ times }: CellSummary): object | null {
  if (times === null) return null;
  const entries = Object.entries(times).map(([name, { value, low, high }]) => [
    name,
    { us: finite(value), lowUs: finite(low), highUs: finite(high) },
  ]);
  return Object.fromEntries(entries) as object;
}

function cellJson(cell: CellSummary): object {
  const { id, distro, cgroup, runtime, workload, strategy, trials, frozen, rate, low, high } = cell;
  const { releases, runtimeVersions, p50Us, p95Us, curve, casualties, thawed, crashes, notMeasured } = cell;
  const { outcomes, blockers, failures, boots, icc, deff, advice, thaw, notFrozen } = cell;
  const { environments, incidents, kernelNotes, tool, began, wallUs, problem, waited, conditions } = cell;
  return {
    id,
    distro,
    release: releases.length === 0 ? null : releases.join(', '),
    ...{ cgroup, runtime, workload, strategy, trials, frozen, rate, low, high, p50Us, p95Us },
    runtimeVersions,
    times: timesJson(cell),
    curve: curve.map(({ at, share, low: from, high: to }) => [at, share, from, to]),
    ...{ casualties, thawed, crashes },
    ...{ outcomes, blockers, failures, notFrozen, boots, icc, deff, advice, thaw },
    ...{ environments, incidents, kernelNotes, tool },
    ...{ began, wallUs, problem, waited, conditions },
    notMeasured: notMeasured?.kind ?? null,
    reason: notMeasured?.reason ?? null,
  };
}
