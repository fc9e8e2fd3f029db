import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findLeftovers, reap } from './lab/reap.ts';
import { readInfo } from './record/info.ts';
import { consolesOf } from './record/runs.ts';
import { frostline } from './testing/cli.ts';
import { recordsOf } from './testing/results.ts';
import { leftOfVagrant } from './testing/vagrant.ts';

// 24 trials. vfork-parent only has to be measured, whatever its result.
const matrix = `name: vagrant
trials: 3
machines: 1
deadline: 2s
distros: { debian-12: { driver: vagrant, box: frostline/bookworm, cpus: 1, memory: 512 } }
cgroups: [v1, v2]
runtimes: [none, runc]
workloads: [sleep, vfork-parent]
strategies: { runc: { preset: runc } }
expect:
  - { workload: sleep, rate: "== 1" }
`;
const cells = ['v1', 'v2'].flatMap((cgroup) =>
  ['none/sleep', 'none/vfork-parent', 'runc/sleep', 'runc/vfork-parent'].map(
    (rest) => `debian-12/${cgroup}/${rest}/runc`,
  ),
);
/** Long enough to build the box first. */
const timeoutMs = 1_800_000;

it(
  'a matrix of a Vagrant box alone is measured whole on v1 and v2, by one machine that leaves nothing',
  { timeout: timeoutMs },
  async () => {
    // left by an earlier run of this test that was killed
    for (const one of await findLeftovers()) await reap(one);
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    await writeFile(join(dir, 'm.yaml'), matrix);
    const { code, stdout, stderr } = await frostline(['run', 'm.yaml'], dir);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/v1 runc sleep +3\/3 100%/);

    const records = recordsOf(dir);
    expect(records.map(({ cell, trial }) => `${cell} ${trial}`)).toEqual(
      cells.flatMap((cell) => [0, 1, 2].map((trial) => `${cell} ${trial}`)),
    );
    expect(records.filter(({ outcome }) => outcome !== 'frozen' && outcome !== 'not-frozen')).toEqual([]);
    expect(new Set(records.map(({ machine }) => `${machine.id} ${machine.driver} ${machine.image}`))).toEqual(
      new Set(['m1 vagrant frostline/bookworm']),
    );
    // it boots straight into one cgroup version, and reboots once for the other
    const bootsOf = (cgroup: string): Set<string> =>
      new Set(records.filter(({ cell }) => cell.includes(`/${cgroup}/`)).map(({ machine }) => machine.boot));
    expect([bootsOf('v1').size, bootsOf('v2').size]).toEqual([1, 1]);
    expect(bootsOf('v1')).not.toEqual(bootsOf('v2'));
    // each step is reported when it begins
    const steps = [...stderr.matchAll(/^m1: ([^()]+)$/gm)].map(([, what]) => what);
    expect(steps).toEqual(['vagrant up', 'end of its boot, frostbite', 'reboot for v2']);

    const run = records[0]!.run;
    const info = await readInfo(join(dir, 'results', run));
    expect(info).toMatchObject({ status: 'finished', problems: [] });
    expect(await readFile(join(consolesOf(join(dir, 'results', run)), 'm1.log'), 'utf8')).not.toBe('');
    expect(await leftOfVagrant()).toEqual({ folders: [], processes: [] });
  },
);
