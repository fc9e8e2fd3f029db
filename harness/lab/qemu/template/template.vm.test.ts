import { readdirSync } from 'node:fs';
import { open, rm, truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheDir } from '../../../base/paths.ts';
import type { KernelWay } from '../../../matrix/matrix.ts';
import { matrixOf, openTestLab, ownFolders, shiftOn } from '../../../testing/machines.ts';
import { Remote } from '../../remote.ts';
import type { QemuLab } from '../lab.ts';
import type { QemuMachine } from '../machine.ts';
import { ramFile, readTemplate, sealTemplate, stateFile } from './template.ts';

const { signal } = new AbortController();

/** The kernel argument gives these tests templates of their own: no run uses them. */
const matrix = matrixOf(`name: clones
trials: 20
machines: 1
distros:
  bare: { driver: qemu, kernel: "deb:bullseye", memory: 256, cmdline: frostline.test=templates }
  full: { driver: qemu, kernel: "deb:trixie", userland: "deb:trixie", cmdline: frostline.test=templates }
cgroups: [v1]
workloads: [sleep]
strategies: { runc: { preset: runc } }
`);
const [bare, full] = [...matrix.distros.values()].map(({ ways }) => ways[0] as KernelWay);

let lab: QemuLab;
let folders: readonly string[] = [];
const templates = (): string[] => readdirSync(cacheDir('templates')).filter((name) => !name.startsWith('.'));
const own = (): string[] => templates().filter((name) => !folders.includes(name));

const boot = (id: string, of: { way?: KernelWay; in?: QemuLab } = {}): Promise<QemuMachine> =>
  (of.in ?? lab).boot({ id, way: of.way ?? bare!, template: 0, signal });
const say = async (machine: QemuMachine, command: string): Promise<string> =>
  (await machine.exec(command, 20_000)).stdout.trim();

beforeAll(async () => {
  folders = await Promise.resolve()
    .then(templates)
    .catch(() => []);
  lab = await openTestLab();
  await (await boot('first'))[Symbol.asyncDispose]();
});
afterAll(async () => {
  for (const name of own()) await rm(cacheDir('templates', name), { recursive: true });
});

/** The 16 random bytes that a shell got from the kernel when it started: AT_RANDOM in its auxiliary vector. */
const atRandom = `at=$(od -An -v -t u8 -w16 /proc/$$/auxv | awk '$1 == 25 { print $2 }')
dd if=/proc/$$/mem bs=1 skip=$at count=16 2>/dev/null | od -An -t x1`;

/** The 16 random bytes of the first packet of an SSH server (SSH_MSG_KEXINIT, RFC 4253, section 7.1), in hex. */
async function cookieOf(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.write('SSH-2.0-test\r\n');
    let heard = Buffer.alloc(0);
    for await (const data of socket) {
      heard = Buffer.concat([heard, data as Buffer]);
      const packet = heard.indexOf('\r\n') + 2;
      // packet length (4), padding length (1), message number (1), cookie
      if (packet > 1 && heard.length >= packet + 22) return heard.toString('hex', packet + 6, packet + 22);
    }
    throw new Error(`the SSH server hung up after ${heard.length} bytes`);
  } finally {
    socket.destroy();
  }
}

describe('two machines from one template', () => {
  let machines: readonly QemuMachine[];
  beforeAll(async () => {
    machines = [await boot('a'), await boot('b')];
  });
  afterAll(async () => {
    for (const machine of machines) await machine[Symbol.asyncDispose]();
  });

  it('say that they have one boot, and each its own name', () => {
    const [a, b] = machines.map(({ facts }) => facts);
    expect(a!.boot).toBe(b!.boot);
    expect(a!.template).toEqual({ clone: expect.stringMatching(/^[0-9a-f-]{36}$/), failed: null });
    expect(a!.template).not.toEqual(b!.template);
  });

  it.each([
    ['the boot id', 'cat /proc/sys/kernel/random/boot_id'],
    ['urandom', 'head -c 32 /dev/urandom | od -An -t x1'],
    ['getrandom, in which glibc looks for the name of a temporary file', 'mktemp -u'],
    ["the kernel's uuids", 'cat /proc/sys/kernel/random/uuid'],
    ['AT_RANDOM', atRandom],
  ])('draw random numbers of their own: %s', async (_, command) => {
    const [a, b] = await Promise.all(machines.map((machine) => say(machine, command)));
    expect(a!.length).toBeGreaterThan(7);
    expect(a).not.toBe(b);
  });

  it("draw random numbers of their own: the SSH server's, which was at work before they parted", async () => {
    const [a, b] = await Promise.all(machines.map(({ endpoint }) => cookieOf(endpoint.port)));
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect(a).not.toBe(b);
  });

  it('have the right time', async () => {
    const before = Date.now();
    const told = Number(await say(machines[0]!, 'date +%s')) * 1000;
    expect(told).toBeGreaterThan(before - 2000);
    expect(told).toBeLessThan(Date.now() + 1000);
  });

  it('answer with keys of their own, to keys of their own', async () => {
    const [a, b] = machines.map(({ endpoint }) => ({ host: '127.0.0.1', user: 'root', ...endpoint }));
    await expect(Remote.connect({ ...a!, privateKey: b!.privateKey }, 20_000)).rejects.toThrow('SSH to');
    await expect(Remote.connect({ ...a!, hostKey: b!.hostKey }, 20_000)).rejects.toThrow('SSH to');
  });

  it('do not see what the other writes', async () => {
    await say(machines[0]!, 'echo here > /root/note');
    expect(await say(machines[1]!, 'ls /root')).toBe('');
  });
});

describe('a machine from a template', () => {
  it('is measured as one that was booted, with a userland on its disk', async () => {
    const log = await shiftOn<KernelWay, QemuMachine>({ boot: ({ id, way }) => boot(id, { way }) }, full!, {
      ...matrix,
      distros: new Map([['full', matrix.distros.get('full')!]]),
      runtimes: ['runc'],
    });
    expect(log.lost).toEqual([]);
    expect(log.trials.filter(({ outcome }) => outcome === 'frozen').length).toBe(20);
    expect(log.machines[0]!.facts.template?.failed).toBe(null);
  });

  it('leaves nothing, as often as it is done', async () => {
    for (let i = 0; i < 10; i++) {
      const machines = await Promise.all([boot(`n${i}`), boot(`m${i}`)]);
      await Promise.all(machines.map((machine) => machine[Symbol.asyncDispose]()));
      expect(machines.map(({ facts }) => facts.template?.failed)).toEqual([null, null]);
    }
    expect(ownFolders()).toEqual([]);
  });
});

describe('a template', () => {
  const folder = async (): Promise<string> => {
    const found = await Promise.all(own().map((name) => readTemplate(cacheDir('templates', name))));
    return found.find((one) => one?.release.startsWith('5.10'))!.dir;
  };

  it('is taken again by the next run', async () => {
    await using again = await boot('r1', { in: await openTestLab() });
    expect(again.facts.boot).toBe((await readTemplate(await folder()))!.boot);
  });

  it('that is torn is made anew', async () => {
    const dir = await folder();
    const { boot: old } = (await readTemplate(dir))!;
    const ram = await open(ramFile(dir), 'r+');
    await ram.write('torn', 20 * 1024 * 1024);
    await ram.close();
    await using machine = await boot('r2', { in: await openTestLab() });
    expect(machine.facts.boot).not.toBe(old);
    expect(machine.facts.template?.failed).toBe(null);
  });

  it('from which no machine starts is said in the record of the one that is booted', async () => {
    const dir = await folder();
    const { release } = (await readTemplate(dir))!;
    await truncate(stateFile(dir), 100_000);
    await sealTemplate(dir, release);
    await using machine = await boot('r3', { in: await openTestLab() });
    expect(machine.facts.template).toEqual({ clone: null, failed: expect.stringContaining('state') });
    expect(await say(machine, 'uname -r')).toBe(release);
    expect(own()).not.toContain(dir.split('/').at(-1));
  });
});
