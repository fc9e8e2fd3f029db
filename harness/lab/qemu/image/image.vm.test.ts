import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../../base/command.ts';
import type { ImageWay, SshWay } from '../../../matrix/matrix.ts';
import { leftovers, matrixOf, shiftOn } from '../../../testing/machines.ts';
import { openSshLab } from '../../ssh/lab.ts';
import { openImageLab, type ImageLab } from './lab.ts';
import type { ImageMachine } from './machine.ts';

// A Debian image with GRUB, systemd and cloud-init, built here from Debian's packages.
const { signal } = new AbortController();
let lab: ImageLab;
let matrix: ReturnType<typeof matrixOf>;

beforeAll(async () => {
  const build = fileURLToPath(new URL('../../../../scripts/build-box', import.meta.url));
  const image = join(
    (await command([build, '--cloud', 'bookworm'], { timeoutMs: 1_500_000 })).trim(),
    'disk.qcow2',
  );
  matrix = matrixOf(`name: test
trials: 2
deadline: 1s
distros: { cloud: { driver: qemu, image: "path:${image}", memory: 512 } }
cgroups: [v2, v1]
runtimes: [none, runc]
workloads: [vfork-parent]
strategies: { runc-pause: { tool: runc-pause }, single: { preset: single } }
exclude: [{ runtime: runc, strategy: single }]`);
  lab = await openImageLab({
    ...{ run: 'test', consoles: await mkdtemp(join(tmpdir(), 'frostline-test-')), allowLocal: false, signal },
    onWarning: (warning) => console.warn(warning),
    onPreparing: () => () => undefined,
    onStep: () => () => undefined,
  });
});
afterAll(async () => expect(await leftovers()).toEqual([]));

/** Leaves a task in D state behind a frozen file system, which only a new boot or a snapshot ends. */
const wedge = `cd /root && truncate -s 64M img && mke2fs -q img && mkdir -p m && mount -o loop img m && fsfreeze -f m &&
{ setsid sh -c 'echo > m/file' > /dev/null 2>&1 & } && until grep -qs '^State:.D' /proc/$!/status; do :; done; echo stuck`;

describe('a cloud image', () => {
  it('takes its key from the seed, is measured with its own tools in both cgroup set-ups, and comes back', async () => {
    const boots: string[] = [];
    const before: ImageMachine[] = [];
    const way = matrix.distros.get('cloud')!.ways[0] as ImageWay;
    const boot: ImageLab['boot'] = async (request) => {
      const machine = await lab.boot(request);
      before.push(machine);
      boots.push(machine.facts.boot);
      const said = await machine.exec('cat /etc/hostname; ls /home; stat -fc %T /sys/fs/cgroup', 15_000);
      expect(said.stdout.trim().split('\n')).toEqual(['frostline', 'frostline', 'cgroup2fs']);
      await machine.keep(signal);
      expect((await machine.exec(wedge, 60_000)).stdout.trim()).toBe('stuck');
      await machine.renew(signal);
      expect((await machine.exec('ls /root', 15_000)).stdout).toBe('');
      return machine;
    };
    const { trials, lost } = await shiftOn({ boot }, way, matrix);
    expect(lost).toEqual([]);
    expect(trials.map(({ cell, outcome }) => `${cell.split('/').slice(1).join(' ')} ${outcome}`)).toEqual(
      ['v2', 'v1'].flatMap((cgroup) =>
        ['none vfork-parent single', 'runc vfork-parent runc-pause'].flatMap((rest) => [
          `${cgroup} ${rest} frozen`,
          `${cgroup} ${rest} frozen`,
        ]),
      ),
    );
    expect(trials.at(-1)?.result?.runtime).toMatch(/^runc 1\.1/);
    // one machine, booted twice
    expect(before).toHaveLength(1);
    expect(before[0]!.facts).toMatchObject({ driver: 'qemu', userland: null });
    expect(before[0]!.facts.boot).not.toBe(boots[0]);
    expect(before[0]!.release).toMatch(/^6\.1\./);
  });

  it('is measured over SSH by a user whose sudo wants a terminal, on a server that knows old algorithms only', async () => {
    const way = matrix.distros.get('cloud')!.ways[0] as ImageWay;
    await using machine = await lab.boot({ id: 'old', way, signal });
    const age = `echo 'Defaults requiretty' > /etc/sudoers.d/terminal
printf 'KexAlgorithms diffie-hellman-group14-sha1\nCiphers aes128-cbc\nMACs hmac-sha1\n' > /etc/ssh/sshd_config.d/old.conf
systemctl restart ssh`;
    expect(await machine.exec(age, 30_000)).toMatchObject({ code: 0 });
    expect(await machine.exec('true', 15_000)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/tty/),
    });
    const { port, user, privateKey, hostKey } = machine.endpoint;
    const key = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'key');
    await writeFile(key, privateKey, { mode: 0o600 });
    const ssh = await openSshLab({
      ...{ run: 'test', consoles: tmpdir(), allowLocal: false, signal },
      ...{ onWarning: () => undefined, onPreparing: () => () => undefined, onStep: () => () => undefined },
    });
    const there: SshWay = {
      ...{ driver: 'ssh', host: '127.0.0.1', port, user, key, sudo: true },
      hostKey: `ssh-ed25519 ${hostKey.toString('base64')}`,
    };
    const { trials, lost } = await shiftOn(ssh, there, matrix);
    expect(lost).toEqual([]);
    expect(trials.map(({ outcome }) => outcome)).toEqual(Array(8).fill('frozen'));
  });
});
