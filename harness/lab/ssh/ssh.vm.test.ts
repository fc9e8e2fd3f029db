import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../base/deadline.ts';
import { leftovers, matrixOf, openTestLab, shiftOn } from '../../testing/machines.ts';
import type { SshWay } from '../../matrix/matrix.ts';
import type { QemuMachine } from '../qemu/machine.ts';
import { Host } from '../host.ts';
import type { Channel } from '../machine.ts';
import { Remote } from '../remote.ts';
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
afterAll(async () => {
  // a machine that was not taken down is found, though its controller is alive
  expect(await leftovers()).toMatchObject([{ machine: 'host', processes: [{ pid: vm.pid }] }]);
  await vm[Symbol.asyncDispose]();
  expect(await leftovers()).toEqual([]);
});

/** What frostline has left on the host. */
const left = async (): Promise<string> =>
  (
    await vm.exec(
      'ls -d /var/lib/frostline /tmp/frostline-* /sys/fs/cgroup/*/frostline-* 2> /dev/null; grep -c frostline /proc/mounts',
      15_000,
    )
  ).stdout.trim();

it('refuses a host on which runs cannot be kept apart', async () => {
  const lab = await openSshLab(context);
  await expect(lab.boot({ id: 'm1', way, signal })).rejects.toThrow(
    'flock is not there: it is in util-linux',
  );
  expect(await left()).toBe('0');
  // installs flock for the following tests
  const flock = await readFile('/usr/bin/flock');
  using remote = await Remote.connect({ host: '127.0.0.1', user: 'root', ...vm.endpoint }, 30_000);
  const bring = `head -c ${flock.length} > /bin/flock; chmod 755 /bin/flock; flock /tmp true`;
  expect(await remote.run(bring, 30_000, { input: flock })).toMatchObject({ code: 0 });
});

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
  expect(await (await vm.watch()).condition(null)).toMatchObject({ alive: true, answers: true });
  expect(await left()).toBe('0');
});

/** A run on the host: its connection, its frostbite, and a way to start serving. */
async function enterHost(): Promise<{ remote: Remote; host: Host; serve: () => Promise<Serving> }> {
  const remote = await Remote.connect({ host: '127.0.0.1', user: 'root', ...vm.endpoint }, 30_000);
  const shell = {
    name: 'the host',
    run: (...words: Parameters<Remote['run']>) => remote.run(...words),
    open: (command: string, terminal: boolean) => remote.open(command, undefined, terminal),
  };
  const host = await Host.enter(shell, { sudo: false, isGuest: true });
  const serve = async (): Promise<Serving> => {
    const channel = await host.serve();
    const lines = channel.lines[Symbol.asyncIterator]();
    const beats = async (): Promise<void> => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`it has ended: ${JSON.stringify(await channel.ended)}`);
        if (value.includes('"ev":"beat"')) return;
      }
    };
    await beats();
    return { channel, beats };
  };
  return { remote, host, serve };
}

interface Serving {
  readonly channel: Channel;
  /** Resolves at the next heartbeat; rejects when there can be none any more. */
  readonly beats: () => Promise<void>;
}

it('two runs on one host: the second is refused, and the first goes on; who leaves waits for nobody', async () => {
  const first = await enterHost();
  // the first runs no trial yet, but must not be taken for dead
  const second = await enterHost();
  const serving = await first.serve();
  const boot = async (): Promise<unknown> => (await openSshLab(context)).boot({ id: 'm1', way, signal });
  await expect(boot()).rejects.toThrow(`root@127.0.0.1:${way.port}: another frostline is at work on it.`);
  await expect(second.serve()).rejects.toThrow('another frostline is at work on this host');
  await serving.beats();
  await serving.channel[Symbol.asyncDispose]();
  await serving.channel.ended;

  const after = await second.serve();
  await first.host[Symbol.asyncDispose]();
  first.remote[Symbol.dispose]();
  await expect(boot()).rejects.toThrow('another frostline is at work on it.');
  await after.beats();
  await after.channel[Symbol.asyncDispose]();
  await second.host[Symbol.asyncDispose]();
  second.remote[Symbol.dispose]();
  expect(await left()).toBe('0');
});

it('a connection that is lost leaves nothing on the host', async () => {
  const { remote, serve } = await enterHost();
  await serve();
  expect(await left()).toContain('/var/lib/frostline');
  remote[Symbol.dispose]();
  const isClear = async (): Promise<true | undefined> => ((await left()) === '0' ? true : undefined);
  await until({ ms: 60_000, what: 'the host to be as it was' }, 200, isClear);
});

it('what a dead run left is cleared by the next, whatever is in it', async () => {
  await vm.exec('mkdir -p /var/lib/frostline/host-dead/half', 15_000);
  const { remote, host } = await enterHost();
  expect((await vm.exec('ls /var/lib/frostline', 15_000)).stdout).toMatch(/^host-[0-9a-f]{16}$/);
  await host[Symbol.asyncDispose]();
  remote[Symbol.dispose]();
  expect(await left()).toBe('0');
});

it('refuses a host that answers with another key, and says its fingerprint', async () => {
  const blob = Buffer.concat([vm.endpoint.hostKey.subarray(0, -32), randomBytes(32)]);
  const other = { ...way, hostKey: `ssh-ed25519 ${blob.toString('base64')}` };
  await expect((await openSshLab(context)).prepare(other)).rejects.toThrow(
    /answers with another host key \(SHA256:/,
  );
});
