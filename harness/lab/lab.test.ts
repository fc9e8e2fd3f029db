import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepLog, markConsole } from './console.ts';
import { isTrusted, parseVersion } from './qemu/binary.ts';
import * as device from './qemu/devices.ts';
import { parseForward } from './qemu/qmp.ts';
import { toMtree, writeCpio } from './rootfs/cpio.ts';
import { makeKeys } from './rootfs/keys.ts';

describe('QEMU arguments', () => {
  const tcg = { accel: 'tcg', threads: 'multi', cpu: 'Nehalem' } as const;
  const args = device.toArguments(
    [
      device.label('run-m1'),
      device.bare,
      device.processor(tcg, 2, 512),
      device.boot('/k/vmlinuz', '/d/initrd'),
      device.console('/d/a,b.log'),
      device.network('virtio'),
      device.exitOnPanic,
    ],
    'nosmt',
  );

  it('are the fold of the devices, with the kernel arguments last', () => {
    expect(args.slice(0, 6)).toEqual([
      '-name',
      'frostline-run-m1',
      '-nodefaults',
      '-no-user-config',
      '-display',
      'none',
    ]);
    expect(args.slice(-2)).toEqual([
      '-append',
      'random.trust_cpu=on no_timer_check rdinit=/init nbd.max_part=0 console=ttyS0,115200 loglevel=5 panic=-1 oops=panic nosmt',
    ]);
  });

  it('forward from loopback only, with no way out of the guest', () => {
    const netdev = args[args.indexOf('-netdev') + 1]!;
    expect(netdev).toContain('restrict=on');
    expect(netdev.match(/hostfwd=\S+/g)).toEqual(['hostfwd=tcp:127.0.0.1:0-:22']);
  });

  it('put both cards behind the one forwarded port of a kernel that may know either', () => {
    const { qemu = [] } = device.network('both');
    expect(qemu.join(' ').match(/hostfwd=\S+/g)).toHaveLength(1);
    expect(qemu.filter((word) => /^(virtio|e1000).*netdev=/.test(word))).toHaveLength(2);
    expect(device.root('/i', 'both').kernel).toEqual(['frostline.root=/dev/vda,/dev/sda']);
  });

  it('double a comma in a path', () => {
    expect(args[args.indexOf('-chardev') + 1]).toBe('file,id=console,append=on,path=/d/a,,b.log');
  });
});

describe('QEMU versions', () => {
  it('are read from --version and trusted from 8.1 on', () => {
    expect(parseVersion('QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)')).toBe('7.2.22');
    expect(['7.2.22', '8.0.5', '8.1.0', '10.0.13'].map(isTrusted)).toEqual([false, false, true, true]);
  });

  it('tell the forwarded port', () => {
    const usernet = `Hub -1 (net):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[HOST_FORWARD]  13       127.0.0.1 42301       10.0.2.15    22     0     0
`;
    expect(parseForward(usernet)).toBe(42301);
  });
});

describe('the guest root', () => {
  it('keeps odd file names in a specification', () => {
    expect(toMtree([{ type: 'link', path: 'bin/[', to: '/bin/busybox' }])).toBe(
      '#mtree\n./bin/\\133 uid=0 gid=0 time=0 type=link mode=777 link=/bin/busybox\n',
    );
  });

  it('is a newc archive owned by root with its devices, made without root', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    await writeFile(join(dir, 'with space'), 'x');
    const cpio = await writeCpio(dir, 'root', [
      { type: 'dir', path: 'dev' },
      { type: 'char', path: 'dev/console', major: 5, minor: 1 },
      { type: 'link', path: 'bin/[', to: '/bin/busybox' },
      { type: 'file', path: 'etc/key', from: join(dir, 'with space'), mode: 0o600 },
    ]);
    const listing = execFileSync('bsdtar', ['-tvf', cpio, '--numeric-owner'], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const words = listing.map((line) => line.split(/\s+/));
    expect(words.map(([mode, , uid, gid]) => [mode, uid, gid])).toEqual([
      ['drwxr-xr-x', '0', '0'],
      ['crw-------', '0', '0'],
      ['lrwxrwxrwx', '0', '0'],
      ['-rw-------', '0', '0'],
    ]);
    expect(listing[1]).toContain('5,1');
  });

  it('gets new keys for each machine', () => {
    const [one, other] = [makeKeys(), makeKeys()];
    expect(one.hostPublic.equals(other.hostPublic)).toBe(false);
    expect(one.clientPublic).not.toBe(other.clientPublic);
    expect(one.clientPublic).toMatch(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA\S+ frostline$/);
    // dropbear: string "ssh-ed25519", string of 64 bytes whose second half is the public point
    expect(one.hostPrivate.length).toBe(4 + 11 + 4 + 64);
    expect(one.hostPrivate.subarray(-32).equals(one.hostPublic.subarray(-32))).toBe(true);
  });
});

describe('what a console has said since', () => {
  it('begins where it was marked, wherever its log was cut or begun anew in between', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'console.log');
    const log = { cut: { bytes: 0, at: 6 } };
    const nothing = await markConsole(path, log);
    expect(await nothing()).toBe('');
    await writeFile(path, 'boot1\nof trial 3\n');
    expect(await nothing()).toBe('boot1\nof trial 3\n');
    const since = await markConsole(path, log);
    expect(await since()).toBe('');
    await appendFile(path, 'of trial 50\n');
    expect(await since()).toBe('of trial 50\n');
    // truncated to its first line, as boundLog does
    await writeFile(path, 'boot1\nleft out\nof trial 50, too\n');
    const cut = { cut: { bytes: 23, at: 6 } };
    Object.assign(log, cut);
    expect(await since()).toBe('left out\nof trial 50, too\n');
    const later = await markConsole(path, log);
    await appendFile(path, 'of trial 51\n');
    expect(await later()).toBe('of trial 51\n');
    const restarted = await markConsole(path);
    await writeFile(path, 'boot2\n');
    expect(await restarted()).toBe('boot2\n');
  });

  it('is its beginning and its end where that is much', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'console.log');
    const since = await markConsole(path);
    await writeFile(path, `first\n${'x'.repeat(4 << 20)}\nlast\n`);
    const said = await since();
    expect(said.length).toBeLessThan(2 << 20);
    expect([said.startsWith('first\n'), said.endsWith('\nlast\n')]).toEqual([true, true]);
  });
});

describe('a console that is begun anew', () => {
  it('goes to the end of the log of the run, and a log that cannot be written is a warning', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const [console, log] = [join(dir, 'console.log'), join(dir, 'm1.log')];
    const warnings: string[] = [];
    const keep = async (said: string, to: string): Promise<void> => {
      await writeFile(console, said);
      await keepLog(console, to, (text) => warnings.push(text));
    };
    await keep('first boot\n', log);
    await keep('second boot\n', log);
    expect(await readFile(log, 'utf8')).toBe('first boot\nsecond boot\n');
    expect(await readdir(dir)).toEqual(['m1.log']);
    expect(warnings).toEqual([]);
    await keep('third boot\n', join(dir, 'gone', 'm1.log'));
    expect(warnings).toEqual([expect.stringMatching(/^The console log of a machine is lost: ENOENT/)]);
  });
});
