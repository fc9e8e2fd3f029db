import { describe, expect, it } from 'vitest';
import { planCells } from '../plan/cells.ts';
import { matrixOf } from '../testing/machines.ts';
import { deal, splitByCell } from './deal.ts';

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
    const isFinished = (_: unknown, trial: number): boolean => trial === 3;
    const shares = deal({ matrix, cells, isFinished }, { number: 0, from: 0, to: 5 });
    expect(shares.map(({ distro, boot }) => `${distro}${boot}`)).toEqual(['a0', 'b0', 'a1', 'b1']);
    expect(shares.map(({ tasks }) => tasks.map(({ request }) => request.trial))).toEqual([
      ...[0, 0].map(() => [0, 2, 4, 0, 2, 4]),
      ...[0, 0].map(() => [1, 1]),
    ]);
  });

  it('are split into one for each cell, with the same trials in the same order', () => {
    const [share] = deal({ matrix, cells, isFinished: () => false }, { number: 2, from: 10, to: 15 });
    const parts = splitByCell(share!);
    expect(parts.map(({ tasks }) => new Set(tasks.map(({ cell }) => cell.id)).size)).toEqual([1, 1]);
    expect(parts.flatMap(({ tasks }) => tasks)).toEqual(share!.tasks);
    expect(parts.every(({ boot, distro }) => boot === 4 && distro === 'a')).toBe(true);
  });
});
