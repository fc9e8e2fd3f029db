import { describe, expect, it } from 'vitest';
import { planCells } from '../plan/cells.ts';
import { matrixOf } from '../testing/machines.ts';
import { shareOut, splitByCell } from './share.ts';

const matrix = matrixOf(`name: shares
trials: 5
machines: 2
distros: { a: { driver: qemu, kernel: "deb:trixie" }, b: { driver: qemu, kernel: "deb:bookworm" } }
cgroups: [v1]
workloads: [sleep, spin]
strategies: { single: { preset: single } }`);
const cells = [...planCells(matrix)];

describe('the shares of a run', () => {
  it('hold each unfinished trial once, a slot at a time', () => {
    const shares = shareOut(matrix, cells, ({ request }) => request.trial === 3);
    expect(shares.map(({ distro, slot }) => `${distro}${slot}`)).toEqual(['a0', 'b0', 'a1', 'b1']);
    expect(shares.map(({ tasks }) => tasks.map(({ request }) => request.trial))).toEqual([
      ...[0, 0].map(() => [0, 2, 4, 0, 2, 4]),
      ...[0, 0].map(() => [1, 1]),
    ]);
  });

  it('are split into one for each cell, with the same trials in the same order', () => {
    const [share] = shareOut(matrix, cells, () => false);
    const parts = splitByCell(share!);
    expect(parts.map(({ tasks }) => new Set(tasks.map(({ cell }) => cell.id)).size)).toEqual([1, 1]);
    expect(parts.flatMap(({ tasks }) => tasks)).toEqual(share!.tasks);
    expect(parts.every(({ slot, distro }) => slot === 0 && distro === 'a')).toBe(true);
  });
});
