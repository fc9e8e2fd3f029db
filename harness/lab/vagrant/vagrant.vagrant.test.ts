import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../base/deadline.ts';
import type { VagrantWay } from '../../matrix/matrix.ts';
import { matrixOf, shiftOn } from '../../testing/machines.ts';
import { leftOfVagrant } from '../../testing/vagrant.ts';
import { findLeftovers, reap } from '../reap.ts';
import { openVagrantLab, type VagrantLab } from './lab.ts';
import type { VagrantMachine } from './machine.ts';

// Tests with real Debian boxes, run by the real vagrant under libvirt in session mode.
const { signal } = new AbortController();
const text = (cgroups: string, workloads: string): string => `name: test
trials: 2
deadline: 1s
distros: { box: { driver: vagrant, box: frostline/bookworm, cpus: 1 } }
cgroups: ${cgroups}
workloads: ${workloads}
strategies: { any: {} }`;
const way = matrixOf(text('[v2]', '[sleep]')).distros.get('box')!.ways[0] as VagrantWay;

let lab: VagrantLab;

beforeAll(async () => {
  // machines of an earlier run of these tests that was killed
  for (const one of await findLeftovers()) await reap(one);
  const consoles = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  lab = await openVagrantLab({
    ...{ run: 'test', consoles, allowLocal: false, signal },
    onWarning: (warning) => console.warn(warning),
    onPreparing: () => () => undefined,
    onStep: () => () => undefined,
  });
  await lab.prepare(way);
});

describe('machines of vagrant', () => {
  it('are measured in both cgroup set-ups, two at once, and leave nothing behind', async () => {
    const matrix = matrixOf(text('[v2, v1]', '[sleep, vfork-parent]'));
    const booted: VagrantMachine[] = [];
    let onBoth!: () => void;
    const both = new Promise<void>((resolve) => (onBoth = resolve));
    const boot: VagrantLab['boot'] = async (request) => {
      const machine = await lab.boot({ ...request, id: `${request.id}-${booted.length}` });
      if (booted.push(machine) === 2) onBoth();
      await both;
      return machine;
    };
    const logs = await Promise.all([1, 2].map(() => shiftOn({ boot }, way, matrix)));
    for (const { trials, lost } of logs) {
      expect(lost).toEqual([]);
      expect(
        trials.map(({ cell, outcome }) => `${cell.split('/').slice(1, 4).join(' ')} ${outcome}`),
      ).toEqual(
        ['v2 none sleep', 'v2 none vfork-parent', 'v1 none sleep', 'v1 none vfork-parent'].flatMap((cell) => [
          `${cell} frozen`,
          `${cell} frozen`,
        ]),
      );
    }
    expect(new Set(booted.map(({ facts }) => facts.boot)).size).toBe(2);
    expect(await leftOfVagrant()).toEqual({ folders: [], processes: [] });
  });

  it('have the set-up that systemd mounts, and come back from their snapshot', async () => {
    await using machine = await lab.boot({ id: 'one', way, signal });
    const { boot } = machine.facts;
    expect(await machine.setUp('v2', signal)).toBe(false);
    expect(machine.facts.boot).toBe(boot);
    expect(await machine.setUp('v1', signal)).toBe(true);
    expect(machine.facts.boot).not.toBe(boot);
    const mounted = "grep -c ' cgroup2 ' /proc/mounts; ls -d /sys/fs/cgroup/freezer";
    expect((await machine.exec(mounted, 15_000)).stdout.trim()).toBe('0\n/sys/fs/cgroup/freezer');
    await machine.keep(signal);
    // a task in D state behind a frozen file system, which only a new boot or a snapshot ends
    const wedge = `cd /root && truncate -s 64M img && mke2fs -q img && mkdir -p m && mount -o loop img m && fsfreeze -f m &&
{ setsid sh -c 'echo > m/file' > /dev/null 2>&1 & } && until grep -qs '^State:.D' /proc/$!/status; do :; done; echo stuck`;
    expect((await machine.exec(wedge, 60_000)).stdout.trim()).toBe('stuck');
    const before = machine.facts.boot;
    await machine.renew(signal);
    expect(machine.facts.boot).toBe(before);
    expect(
      (await machine.exec('ls /root/m; cat /proc/sys/kernel/random/boot_id', 15_000)).stdout.trim(),
    ).toBe(before);
    expect(await (await machine.watch()).condition(null)).toMatchObject({
      ...{ alive: true, answers: true, detail: 'vagrant says that it is running', facts: [] },
    });
  });

  it('are found and destroyed after their controller was killed', async () => {
    const file = fileURLToPath(new URL('../../testing/vagrant-boot.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const found = (await findLeftovers()).filter(({ run }) => run === 'killed');
    expect(found.map(({ machine }) => machine)).toEqual(['orphan']);
    expect(await readFile(join(found[0]!.dir, 'machine.json'), 'utf8')).toContain('bookworm');
    expect(found[0]!.processes.length).toBeGreaterThan(0);
    await reap(found[0]!);
    expect(await leftOfVagrant()).toEqual({ folders: [], processes: [] });
  });

  it('are gone when their boot is aborted', async () => {
    const stop = new AbortController();
    const booting = lab.boot({ id: 'aborted', way, signal: stop.signal });
    const outcome = booting.then(
      () => 'booted',
      (error: unknown) => String(error),
    );
    // wait until QEMU runs
    await until({ ms: 120_000, what: 'QEMU' }, 100, async () => {
      const pids = (await leftOfVagrant()).processes;
      const names = await Promise.all(
        pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')),
      );
      return names.some((name) => name.startsWith('qemu')) ? true : undefined;
    });
    stop.abort(new Error('told to stop'));
    expect(await outcome).toContain('told to stop');
    expect(await leftOfVagrant()).toEqual({ folders: [], processes: [] });
  });
});
