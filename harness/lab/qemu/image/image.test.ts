import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../../base/command.ts';
import { cacheDir } from '../../../base/paths.ts';
import { parseImage } from '../../../matrix/source.ts';
import { serve } from '../../../testing/server.ts';
import { makeKeys } from '../../rootfs/keys.ts';
import { fetchImage } from './fetch.ts';
import { makeSeed, userData } from './seed.ts';

/** The header of a version 3 qcow2. */
function header({ backing = 0n, features = 0n }: { backing?: bigint; features?: bigint } = {}): Buffer {
  const bytes = Buffer.alloc(104);
  bytes.write('QFI\xfb', 'latin1');
  bytes.writeUInt32BE(3, 4);
  bytes.writeBigUInt64BE(backing, 8);
  bytes.writeBigUInt64BE(features, 72);
  return bytes;
}
const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let dir: string;
const file = async (name: string, bytes: Buffer): Promise<string> => {
  await writeFile(join(dir, name), bytes);
  return join(dir, name);
};
const fetch = (text: string): Promise<string> => fetchImage(parseImage(text, dir));

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-image-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe('an image', () => {
  it('in a file stays where it is, with the right SHA-256 or none', async () => {
    const whole = await file('whole.qcow2', header());
    expect(await fetch('path:whole.qcow2')).toBe(whole);
    expect(await fetch(`path:whole.qcow2,sha256=${sum(header())}`)).toBe(whole);
    await expect(fetch(`path:whole.qcow2,sha256=${'0'.repeat(64)}`)).rejects.toThrow(
      `has the SHA-256 ${sum(header())}; ${'0'.repeat(64)} was expected`,
    );
  });

  it('is refused when it is none, or has a part of it elsewhere', async () => {
    await file('text', Buffer.from('#!/bin/sh'.padEnd(200)));
    await file('backed', header({ backing: 512n }));
    await file('external', header({ features: 4n }));
    await expect(fetch('path:text')).rejects.toThrow('is no qcow2 image');
    await expect(fetch('path:backed')).rejects.toThrow('has part of its data in another file');
    await expect(fetch('path:external')).rejects.toThrow('has part of its data in another file');
    await expect(fetch('path:nowhere')).rejects.toThrow('cannot be read');
  });

  it('from a web server that wants a password gets the one in its URL, which no message shows', async () => {
    const bytes = header({ features: 1n });
    await using server = await serve({
      '/a': (request, response) => {
        const isMine =
          request.headers.authorization === `Basic ${Buffer.from('me:s3cret').toString('base64')}`;
        response.writeHead(isMine ? 200 : 401).end(isMine ? bytes : undefined);
      },
    });
    const url = `url:${server.base.replace('://', '://me:s3cret@')}`;
    const failing = [fetch(`${url}/a,sha256=${'0'.repeat(64)}`), fetch(`${url}/b,sha256=${'0'.repeat(64)}`)];
    const messages = (await Promise.allSettled(failing)).map((one) =>
      one.status === 'rejected' ? String(one.reason) : 'fetched',
    );
    expect(messages).toEqual([
      expect.stringContaining(`${server.base}/a has the SHA-256 ${sum(bytes)}`),
      expect.stringContaining(`${server.base}/b could not be downloaded: the server answers 404`),
    ]);
  });

  it('from a web server is kept when its SHA-256 is right, and only then', async () => {
    const bytes = header({ features: 1n });
    let asked = 0;
    const server = createServer((request, response) => {
      asked++;
      if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': 1000 });
        response.write(bytes, () => response.destroy());
      } else response.end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const url = (path: string, hash: string): string => `url:http://127.0.0.1:${port}/${path},sha256=${hash}`;
    try {
      await expect(fetch(url('a', '0'.repeat(64)))).rejects.toThrow('was expected');
      await expect(fetch(url('cut', sum(bytes)))).rejects.toThrow('could not be downloaded');
      const kept = await fetch(url('a', sum(bytes)));
      expect(await readFile(kept)).toEqual(bytes);
      const before = asked;
      expect(await fetch(url('a', sum(bytes)))).toBe(kept);
      expect(asked).toBe(before);
    } finally {
      server.close();
      await rm(cacheDir('images', sum(bytes).slice(0, 32)), { recursive: true, force: true });
    }
  });
});

describe('the seed', () => {
  it('tells cloud-init which key may log in and which answers', () => {
    const keys = makeKeys();
    const [first, json = ''] = userData(keys).split('\n');
    expect(first).toBe('#cloud-config');
    expect(JSON.parse(json)).toMatchObject({
      users: [{ name: 'frostline', ssh_authorized_keys: [keys.clientPublic] }],
      ssh_keys: { ed25519_private: keys.hostOpenssh },
      ssh_pwauth: false,
    });
    expect(keys.hostOpenssh).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  });

  it('is a volume that is called cidata, with both files', async () => {
    const seed = await makeSeed(dir, makeKeys());
    const volume = await readFile(seed);
    // ECMA-119: the primary volume descriptor is sector 16, its volume identifier at byte 40
    expect(
      volume
        .toString('latin1', 16 * 2048 + 40, 16 * 2048 + 72)
        .trim()
        .toLowerCase(),
    ).toBe('cidata');
    const names = (await command(['bsdtar', '-tf', seed])).trim().split('\n').sort();
    expect(names).toEqual(['.', 'meta-data', 'user-data']);
  });
});
