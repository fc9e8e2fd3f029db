import { cellName, type CellSummary, type Summary } from './summary.ts';

/**
 * Two summaries with nothing but the cells of the named distros, those of base under the names of their counterparts
 * in head: so that a kernel can be held against another one, be it of the same run.
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
