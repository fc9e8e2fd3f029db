import { describe, expect, it } from 'vitest';
import { loadMatrix } from '../matrix/load.ts';
import type { Way } from '../matrix/matrix.ts';
import { planCells } from '../plan/cells.ts';
import { cpusOf, loadOf, longestWait } from './costs.ts';

const loaded = loadMatrix(
  `name: m
deadline: 4s
distros:
  vm: { driver: qemu, kernel: "deb:trixie", userland: "deb:trixie", cpus: 3 }
  far: { driver: ssh, host: 192.0.2.1 }
cgroups: [v1]
workloads: [sleep, vfork-exec-storm, fuse-unanswered]
strategies: { single: { preset: single }, runc: { preset: runc }, pause: { tool: runc-pause } }
runtimes: [none, runc]`,
  'm.yaml',
);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
const { matrix } = loaded;
const wayOf = (distro: string): Way => matrix.distros.get(distro)!.ways[0];
const cellOf = (words: string) => [...planCells(matrix)].find(({ id }) => id === words)!;

describe('what a trial needs of the host', () => {
  it('is a core, and all of its machine where its workload is busy', () => {
    const cpus = cpusOf(wayOf('vm'));
    expect(loadOf(cellOf('vm/v1/none/sleep/single'), matrix, cpus).cores).toBe(1);
    const busy = loadOf(cellOf('vm/v1/none/vfork-exec-storm/single'), matrix, cpus);
    expect(busy).toEqual({ cores: 3, holdMs: null });
  });

  it('is nothing where the machine is another host', () => {
    const cpus = cpusOf(wayOf('far'));
    expect(loadOf(cellOf('far/v1/none/sleep/single'), matrix, cpus).cores).toBe(0);
    const busy = loadOf(cellOf('far/v1/none/vfork-exec-storm/single'), matrix, cpus);
    expect(busy).toEqual({ cores: 0, holdMs: null });
  });

  it('is kept to the end by a strategy that does not wait', () => {
    const needs = loadOf(cellOf('vm/v1/none/fuse-unanswered/runc'), matrix, 3);
    expect(needs).toEqual({ cores: 1, holdMs: null });
  });

  it('is needed for longer where programs are run', () => {
    const [own, program] = ['single', 'pause'].map(
      (strategy) => loadOf(cellOf(`vm/v1/runc/sleep/${strategy}`), matrix, 3).holdMs,
    );
    expect(program).toBeGreaterThan(own ?? Infinity);
  });

  it('is a wait for the deadline where nothing is likely to freeze', () => {
    expect(longestWait(cellOf('vm/v1/none/fuse-unanswered/single'), matrix)).toBe(4000);
    expect(longestWait(cellOf('vm/v1/none/sleep/single'), matrix)).toBe(0);
  });
});
