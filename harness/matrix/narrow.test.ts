import { describe, expect, it } from 'vitest';
import { planCells } from '../plan/cells.ts';
import { trialSeed } from '../plan/seeds.ts';
import { loadMatrix } from './load.ts';
import { narrow } from './narrow.ts';
import { parseYaml } from './parse.ts';
import { full, good } from './sample.ts';
import { matrixSchema } from './schema.ts';

const cellOf = (id: string) => {
  const [distro = '', cgroup = '', runtime = '', workload = '', strategy = ''] = id.split('/');
  return { distro, cgroup, runtime, workload, strategy };
};
const matrixOf = (text: string) => {
  const loaded = loadMatrix(text, '/there/m.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  return loaded.matrix;
};

describe('a matrix of one cell', () => {
  it('has that cell alone, with its strategy, its seed and its trials', () => {
    const whole = matrixOf(full);
    for (const cell of planCells(whole)) {
      const one = matrixOf(narrow(full, '/here', cellOf(cell.id), { name: 'again', kernel: null }));
      expect([...planCells(one)].map(({ id }) => id)).toEqual([cell.id]);
      expect(one.strategies.get(cell.strategy)).toEqual(whole.strategies.get(cell.strategy));
      expect([one.trials, one.machines, one.seed]).toEqual([whole.trials, whole.machines, whole.seed]);
      expect(trialSeed(one.seed, cell.id, 3)).toBe(trialSeed(whole.seed, cell.id, 3));
    }
  });

  it('has all else that the other has, so that its trials are made the same way', () => {
    const text = `${full}templates: true
deadline: 3s
seed: 9
startGap: 1..60ms
runtimes: [none]
cpus: [1, 2]
load: [0, 2]
contrasts: [{ axis: strategy, from: single, to: mine }]
`;
    // every key that a matrix can have
    const given = parseYaml(text).parsed?.value as object;
    expect(Object.keys(matrixSchema.shape).filter((key) => !(key in given))).toEqual(['sequences']);
    const cell = cellOf('debian-13/v1/none/sleep/mine');
    const {
      templates,
      seed,
      startGap,
      strategies,
      expect: bounds,
      contrasts,
    } = matrixOf(narrow(text, '/here', cell, { name: 'again', kernel: null }));
    const whole = matrixOf(text);
    expect({ templates, seed, startGap }).toEqual({ templates: true, seed: 9, startGap: whole.startGap });
    expect(strategies.get('mine')).toEqual(whole.strategies.get('mine'));
    expect([bounds, contrasts]).toEqual([[], []]);
    for (const { id } of planCells(whole)) {
      const one = matrixOf(narrow(text, '/here', cellOf(id), { name: 'again', kernel: null }));
      expect([...planCells(one)].map((planned) => planned.id)).toEqual([id]);
      const name = id.split('/')[0]!;
      expect(one.distros.get(name)).toEqual(whole.distros.get(name));
    }
  });

  it('leaves out nothing that a way has, and makes every path of it absolute', () => {
    const text = good.replace('driver: qemu, kernel: "deb:trixie"', 'ways: WAYS');
    const ways = [
      '{ driver: qemu, kernel: "path:k", userland: "deb:trixie", cpus: 3, memory: 900, cmdline: a }',
      '{ driver: qemu, image: "path:i", install: [runc], cpus: 3 }',
      '{ driver: ssh, host: h, port: 2, user: u, key: k, sudo: true }',
      '{ driver: vagrant, box: ./b.box, boxVersion: "1", provider: virtualbox, install: [crun], memory: 900 }',
      '{ driver: local }',
    ];
    const here = text.replace('WAYS', `[${ways.join(', ')}]`);
    const cell = cellOf('debian-13/v1/none/sleep/single');
    const one = matrixOf(narrow(here, '/there', cell, { name: 'again', kernel: null }));
    // both are loaded as if from /there
    const expected = matrixOf(here).distros.get('debian-13')!.ways;
    const withoutText = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'text' ? '' : inner)));
    expect(withoutText(one.distros.get('debian-13')!.ways)).toEqual(withoutText(expected));
    const elsewhere = narrow(here, '/there', cell, { name: 'again', kernel: null });
    expect(elsewhere).not.toMatch(/path:[^/]|key: [^/]|box: [^/]/);
  });

  it('takes another kernel and number of trials, and makes paths absolute', () => {
    const text = full.replace('"deb:trixie"', '"path:vmlinuz"');
    const cell = cellOf('debian-13/v1/none/sleep/mine');
    const placed = matrixOf(narrow(text, '/here', cell, { name: 'again', kernel: null }));
    expect(placed.distros.get('debian-13')!.ways[0]).toMatchObject({ kernel: { image: '/here/vmlinuz' } });
    const kernel = 'deb:trixie/linux-image-6.12.1-cloud-amd64=6.12.1-1';
    const other = matrixOf(narrow(text, '/here', cell, { name: 'again', kernel, trials: 1 }));
    expect(other.distros.get('debian-13')!.ways[0]).toMatchObject({ kernel: { text: kernel } });
    expect([other.trials, other.machines]).toEqual([1, 1]);
  });

  it('is of a sequence where the cell is', () => {
    const text = `name: s
distros: { d: { ways: [{ driver: qemu, kernel: "deb:trixie" }, { driver: ssh, host: h, key: k }] } }
cgroups: [v2]
sequences: { mine: { steps: [{ group: a }, { freeze: a }] } }
`;
    const one = matrixOf(
      narrow(text, '/here', cellOf('d/v2/none/mine/steps'), { name: 'again', kernel: null }),
    );
    expect([...planCells(one)].map(({ id }) => id)).toEqual(['d/v2/none/mine/steps']);
    expect(one.distros.get('d')!.ways[1]).toMatchObject({ key: '/here/k' });
  });
});
