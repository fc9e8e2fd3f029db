import { once } from 'node:events';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtimeDir } from '../base/paths.ts';
import type { KernelWay } from '../matrix/matrix.ts';
import { matrixOf, openTestLab } from '../testing/machines.ts';
import type { QemuMachine } from './qemu/machine.ts';

const matrix = matrixOf(`name: test
trials: 1
distros: { guest: { driver: qemu, kernel: "deb:bullseye" } }
cgroups: [v1]
workloads: [sleep]
strategies: { single: { preset: single } }`);

let machine: QemuMachine;
beforeAll(async () => {
  const lab = await openTestLab();
  const way = matrix.distros.get('guest')!.ways[0] as KernelWay;
  machine = await lab.boot({ id: 'm1', way, signal: new AbortController().signal });
});
afterAll(() => machine[Symbol.asyncDispose]());

/** The addresses, in the kernel's hexadecimal, at which a process listens (proc(5), /proc/net/tcp; 0A is LISTEN). */
async function listening(pid: number): Promise<string[]> {
  const fds = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  const sockets = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  const tables = await Promise.all(
    ['tcp', 'tcp6', 'udp', 'udp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')),
  );
  return tables
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote = '', , , , , , , inode]) => /^0+:0000$/.test(remote) && sockets.has(inode))
    .map(([, local = '']) => local.slice(0, local.indexOf(':')));
}

describe('a machine', () => {
  it('listens on 127.0.0.1 alone, at one port', async () => {
    expect(await listening(machine.pid)).toEqual(['0100007F']);
  });

  it('is a QEMU that seccomp confines', async () => {
    expect(await readFile(`/proc/${machine.pid}/status`, 'utf8')).toMatch(/^Seccomp:\s+2$/m);
  });

  it('has a folder that is open to nobody else, and no key left in it', async () => {
    const words = (await readFile(`/proc/${machine.pid}/cmdline`, 'utf8')).split('\0');
    const dir = words.find((word) => word.startsWith('unix:'))!.replace(/^unix:(.*)\/qmp.*/, '$1');
    expect(dir.startsWith(join(runtimeDir(), 'vm-'))).toBe(true);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await readdir(dir)).sort()).toEqual(['owner.json', 'qmp']);
    expect(words.join(' ')).not.toContain('PRIVATE');
  });

  it('has no way out: not to its host, nor past it', async () => {
    const seen: unknown[] = [];
    const server = createServer((socket) => void seen.push(socket.destroy())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    // 10.0.2.2 is the host's loopback to a guest of user networking without restrict=on
    const { code, stderr } = await machine.exec(`wget -T 3 -O - http://10.0.2.2:${port}/`, 20_000);
    server.close();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/timed out|unreachable|refused/),
    });
    expect(seen).toEqual([]);
  });
});
