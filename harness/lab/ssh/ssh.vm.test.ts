import { randomBytes } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { matrixOf, openTestLab, shiftOn } from '../../testing/machines.ts';
import type { SshWay } from '../../matrix/matrix.ts';
import type { QemuMachine } from '../qemu/machine.ts';
import { openSshLab } from './lab.ts';

const { signal } = new AbortController();
const context = {
  ...{ run: 'test', consoles: tmpdir(), allowLocal: false, signal },
  ...{ onWarning: () => undefined, onPreparing: () => () => undefined, onStep: () => () => undefined },
};
const matrix = (driver: string): string => `name: test
trials: 2
deadline: 1s
distros: { host: ${driver} }
cgroups: [v1, v2]
workloads: [sleep, vfork-parent, fuse-unanswered, fsfreeze-write]
strategies: { any: {} }`;

let vm: QemuMachine;
let way: SshWay;

beforeAll(async () => {
  const qemu = matrixOf(matrix('{ driver: qemu, kernel: "deb:trixie" }')).distros.get('host')!.ways[0];
  if (qemu.driver !== 'qemu') throw new Error('not QEMU');
  vm = await (await openTestLab()).boot({ id: 'host', way: qemu, signal });
  const key = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'key');
  await writeFile(key, vm.endpoint.privateKey, { mode: 0o600 });
  const hostKey = `ssh-ed25519 ${vm.endpoint.hostKey.toString('base64')}`;
  way = { driver: 'ssh', host: '127.0.0.1', port: vm.endpoint.port, user: 'root', key, hostKey, sudo: false };
});
afterAll(() => vm[Symbol.asyncDispose]());

it('measures a host that is there already, as a machine of its own would be, and leaves nothing on it', async () => {
  const { trials, lost } = await shiftOn(
    await openSshLab(context),
    way,
    matrixOf(matrix('{ driver: local }')),
  );
  expect(lost).toEqual([]);
  const told = new Set(
    trials.map(({ cell, outcome }) => `${cell.split('/').slice(1, 4).join(' ')} ${outcome}`),
  );
  expect([...told].sort()).toEqual([
    ...['v1 none fsfreeze-write not-frozen', 'v1 none fuse-unanswered not-frozen'],
    ...['v1 none sleep frozen', 'v1 none vfork-parent frozen'],
    ...['v2 none fsfreeze-write not-frozen', 'v2 none fuse-unanswered not-frozen'],
    ...['v2 none sleep frozen', 'v2 none vfork-parent frozen'],
  ]);
  expect((await vm.condition()).alive).toBe(true);
  const left =
    'ls -d /var/lib/frostline /tmp/frostline-* /sys/fs/cgroup/*/frostline-* 2> /dev/null; grep -c frostline /proc/mounts';
  expect((await vm.exec(left, 15_000)).stdout.trim()).toBe('0');
});

it('refuses a host that answers with another key, and says its fingerprint', async () => {
  const blob = Buffer.concat([vm.endpoint.hostKey.subarray(0, -32), randomBytes(32)]);
  const other = { ...way, hostKey: `ssh-ed25519 ${blob.toString('base64')}` };
  await expect((await openSshLab(context)).prepare(other)).rejects.toThrow(
    /answers with another host key \(SHA256:/,
  );
});
