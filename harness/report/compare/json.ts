import { countOf, worseCount, type CellChange, type Comparison } from '../../analyse/compare.ts';
import type { CellSummary } from '../../analyse/summary.ts';
import { verdictLine } from './words.ts';
import { escapeJson } from '../escape.ts';

/** A comparison as one JSON document for programs. `schema` changes when a field changes its meaning. */
export function jsonComparison(comparison: Comparison): string {
  const { base, head, margin, changes, lost, apart, added, gone, facts, earlier } = comparison;
  const counts = {
    worse: worseCount(comparison),
    better: countOf(comparison, 'better'),
    same: countOf(comparison, 'same'),
    undecided: countOf(comparison, 'undecided'),
  };
  const document = {
    schema: 1,
    verdict: verdictLine(comparison),
    ...{ base: base.id, head: head.id, margin, counts },
    earlier: earlier.map(({ run, cells }) => ({ run: run.id, cells })),
    cells: changes.map(cellJson),
    lost: lost.map((one) => ({
      cell: one.head.id,
      change: one.change,
      base: one.base.notMeasured,
      head: one.head.notMeasured,
    })),
    apart: apart.map((one) => ({ cell: one.head.id, how: one.how })),
    added: added.map(({ id }) => id),
    gone: gone.map(({ id }) => id),
    facts,
  };
  return `${escapeJson(document)}\n`;
}

const cellJson = ({ base, head, of, rates, by, p, adjusted, change }: CellChange): object => ({
  ...{ cell: head.id, of, change },
  ...{ base: sideJson(base, of, rates.base), head: sideJson(head, of, rates.head) },
  ...{ difference: by.rate, low: by.low, high: by.high, p, adjusted },
});

function sideJson(cell: CellSummary, of: CellChange['of'], rate: CellChange['by']): object {
  const [frozen, trials] =
    of === 'done' ? [cell.tool?.done ?? 0, cell.tool?.trials ?? 0] : [cell.frozen, cell.trials];
  return { frozen, trials, boots: cell.boots, ...rate, p50Us: cell.p50Us, p95Us: cell.p95Us };
}
