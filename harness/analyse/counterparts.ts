import { cellName, type CellSummary, type Summary } from './summary.ts';

/**
 * Both summaries, reduced to the cells of the named distros, with those of base renamed to their counterparts in head.
 * This compares one kernel with another, even within one run.
 */
export function counterparts(
  base: Summary,
  head: Summary,
  names: ReadonlyMap<string, string>,
): { readonly base: Summary; readonly head: Summary } {
  const wanted = new Set(names.values());
  const renamed = base.cells.flatMap((cell): CellSummary[] => {
    const distro = names.get(cell.distro);
    return distro === undefined ? [] : [{ ...cell, ...cellName(distro + cell.id.slice(cell.distro.length)) }];
  });
  return {
    base: { ...base, cells: renamed },
    head: { ...head, cells: head.cells.filter(({ distro }) => wanted.has(distro)) },
  };
}
