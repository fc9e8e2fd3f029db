import { describe, expect, it } from 'vitest';
import { planCells } from '../plan/cells.ts';
import { matrixOf } from '../testing/machines.ts';
import { assign, splitByCell, spreadWaits } from './assignment.ts';

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
    const shares = assign({ matrix, cells, isFinished }, { number: 0, from: 0, to: 5 });
    expect(shares.map(({ distro, boot }) => `${distro}${boot}`)).toEqual(['a0', 'b0', 'a1', 'b1']);
    expect(shares.map(({ tasks }) => tasks.map(({ request }) => request.trial))).toEqual([
      ...[0, 0].map(() => [0, 2, 4, 0, 2, 4]),
      ...[0, 0].map(() => [1, 1]),
    ]);
  });

  it('are split into one for each cell, with the same trials in the same order', () => {
    const [assignment] = assign({ matrix, cells, isFinished: () => false }, { number: 2, from: 10, to: 15 });
    const parts = splitByCell(assignment!);
    expect(parts.map(({ tasks }) => new Set(tasks.map(({ cell }) => cell.id)).size)).toEqual([1, 1]);
    expect(parts.flatMap(({ tasks }) => tasks)).toEqual(assignment!.tasks);
    expect(parts.every(({ boot, distro }) => boot === 4 && distro === 'a')).toBe(true);
  });

  describe('with waits on machines of their own', () => {
    const many = matrixOf(`name: waits
trials: 4
machines: 2
deadline: 4s
distros: { a: { driver: qemu, kernel: "deb:trixie" } }
cgroups: [v1]
workloads: [sleep, fuse-unanswered, fsfreeze-write, dm-suspend]
strategies: { single: { preset: single } }`);
    const [assignment] = assign(
      { matrix: many, cells: [...planCells(many)], isFinished: () => false },
      { number: 0, from: 0, to: 4 },
    );
    const waitOf = ({ workload }: { readonly workload: string }): number => (workload === 'sleep' ? 0 : 4000);
    const cellsOf = (parts: number): string[] =>
      spreadWaits(assignment!, waitOf, parts).map(({ tasks }) =>
        [...new Set(tasks.map(({ cell }) => cell.workload))].join(' '),
      );

    it('stay whole where there are none for them', () => {
      expect(cellsOf(0)).toEqual(['sleep fuse-unanswered fsfreeze-write dm-suspend']);
    });

    it('are dealt out evenly, each cell to one machine, and no trial twice', () => {
      expect(cellsOf(1)).toEqual(['sleep', 'fuse-unanswered fsfreeze-write dm-suspend']);
      expect(cellsOf(2)).toEqual(['sleep', 'fuse-unanswered dm-suspend', 'fsfreeze-write']);
      expect(cellsOf(9)).toEqual(['sleep', 'fuse-unanswered', 'fsfreeze-write', 'dm-suspend']);
      const tasks = spreadWaits(assignment!, waitOf, 2).flatMap((one) => one.tasks);
      expect(new Set(tasks)).toEqual(new Set(assignment!.tasks));
      expect(tasks.length).toBe(assignment!.tasks.length);
    });
  });
});
