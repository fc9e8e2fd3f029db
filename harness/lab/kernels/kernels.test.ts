import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTargets } from '../apt/mirror.ts';
import { sourcesFor } from '../apt/root.ts';
import { globToRegExp, parseParagraphs, partsOf } from './debian.ts';
import { moduleName, planModules } from './modules.ts';
import { readRelease } from './path.ts';

describe('modules', () => {
  it('loads dependencies first, each once, and leaves out what is built in', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    // as depmod wrote it for 6.1.0-56-cloud-amd64: the nearest dependency first
    const dep = [
      'kernel/net/core/failover.ko:',
      'kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko',
      'kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko',
      'kernel/drivers/virtio/virtio.ko:',
      'kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko',
      'kernel/drivers/block/loop.ko.xz:',
    ];
    await writeFile(join(dir, 'modules.dep'), dep.join('\n'));
    await writeFile(join(dir, 'modules.builtin'), 'kernel/fs/fuse/fuse.ko\n');
    expect(await planModules(dir, ['virtio-net', 'fuse', 'loop', 'virtio_ring', 'e1000'])).toEqual({
      load: [
        'kernel/drivers/virtio/virtio.ko',
        'kernel/drivers/virtio/virtio_ring.ko',
        'kernel/net/core/failover.ko',
        'kernel/drivers/net/net_failover.ko',
        'kernel/drivers/net/virtio_net.ko',
        'kernel/drivers/block/loop.ko.xz',
      ],
      missing: ['e1000'],
    });
  });

  it('knows a module by its name however it is packed', () => {
    expect(['a/virtio-rng.ko', 'virtio-rng.ko.xz', 'virtio_rng.ko.zst'].map(moduleName)).toEqual(
      Array.from({ length: 3 }, () => 'virtio_rng'),
    );
  });
});

describe('Debian packages', () => {
  const split = `Package: linux-image-7.3.4+deb13-cloud-amd64
Version: 7.3.4-1~bpo13+1
Depends: dracut | initramfs-tools (>= 0.120+deb8u2) | linux-initramfs-tool, linux-base-7.3.4+deb13-cloud-amd64 (= 7.3.4-1~bpo13+1), linux-binary-7.3.4+deb13-cloud-amd64 (= 7.3.4-1~bpo13+1), linux-modules-7.3.4+deb13-cloud-amd64 (= 7.3.4-1~bpo13+1)
`;
  const whole = `Package: linux-image-6.18.15+deb13-cloud-amd64
Version: 6.18.15-1~bpo13+1
Depends: kmod, linux-base (>= 4.12~), linux-base-6.18.15+deb13-cloud-amd64 (= 6.18.15-1~bpo13+1)
`;

  it('hold a kernel in one package before 7.0 and in several from then on', () => {
    const [first, second] = parseParagraphs(`${split}\n${whole}`);
    expect(partsOf(first!)).toEqual(
      ['image', 'base', 'binary', 'modules'].map(
        (part) => `linux-${part}-7.3.4+deb13-cloud-amd64=7.3.4-1~bpo13+1`,
      ),
    );
    expect(partsOf(second!)).toEqual(['linux-image-6.18.15+deb13-cloud-amd64=6.18.15-1~bpo13+1']);
  });

  it('match a glob as a whole, dots and pluses literally', () => {
    const glob = globToRegExp('linux-image-7.*-cloud-amd64');
    expect(glob.test('linux-image-7.3.4+deb13-cloud-amd64')).toBe(true);
    expect(glob.test('linux-image-7x3-cloud-amd64')).toBe(false);
    expect(glob.test('linux-image-7.3.4-cloud-amd64-unsigned')).toBe(false);
  });
});

describe('mirrors', () => {
  it("are those of the host's apt", () => {
    const text = `Debian|http://mirror.example/debian/|bookworm|bookworm
Debian|http://mirror.example/debian-security/|bookworm-security|bookworm-security
Other|http://other.example/apt/|stable|stable
`;
    expect(parseTargets(text)).toEqual({
      main: 'http://mirror.example/debian/',
      security: 'http://mirror.example/debian-security/',
    });
  });

  it('give a suite its security archive, and backports their base', () => {
    const mirror = { main: 'http://m/debian/', security: 'http://m/debian-security/' };
    const names = (suite: string): string[] =>
      sourcesFor(suite, mirror).map((line) => line.split(' ').slice(-2)[0]!);
    expect(names('trixie')).toEqual(['trixie', 'trixie-security']);
    expect(names('trixie-backports')).toEqual(['trixie', 'trixie-security', 'trixie-backports']);
    expect(names('sid')).toEqual(['sid']);
    expect(names('experimental')).toEqual(['experimental', 'sid']);
  });
});

describe('a kernel by path', () => {
  it('says what is wrong with a file that is no bzImage', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    await writeFile(join(dir, 'vmlinux'), Buffer.alloc(4096, 0x7f));
    await expect(readRelease(join(dir, 'vmlinux'))).rejects.toThrow(
      'is not a Linux bzImage: no HdrS at offset 0x202',
    );
    await expect(readRelease(join(dir, 'absent'))).rejects.toThrow('cannot be read');
  });
});
