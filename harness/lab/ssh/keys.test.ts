import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SshWay } from '../../matrix/matrix.ts';
import { makeKeys } from '../rootfs/keys.ts';
import { fingerprint, knownKeys, readKey } from './keys.ts';

const keys = makeKeys();
const line = `ssh-ed25519 ${keys.hostPublic.toString('base64')}`;
const way: SshWay = {
  ...{ driver: 'ssh', host: 'a.example.org', port: 22, user: 'root', sudo: false },
  ...{ key: null, hostKey: null },
};
const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'frostline-test-'));

async function knownIn(text: string, of: Partial<SshWay> = {}): Promise<Buffer[]> {
  const home = await folder();
  await mkdir(join(home, '.ssh'));
  await writeFile(join(home, '.ssh/known_hosts'), text);
  return knownKeys({ ...way, ...of }, home);
}

describe('the key of a host', () => {
  it('is the one in the matrix, or that of known_hosts, by name, port or hash', async () => {
    expect(await knownKeys({ ...way, hostKey: `${line} root@a` })).toEqual([keys.hostPublic]);
    expect(await knownIn(`# c\nb,a.example.org ${line}\n`)).toEqual([keys.hostPublic]);
    expect(await knownIn(`[a.example.org]:2222 ${line}\n`, { port: 2222 })).toEqual([keys.hostPublic]);
    const home = await folder();
    await mkdir(join(home, '.ssh'));
    const file = join(home, '.ssh/known_hosts');
    await writeFile(file, `a.example.org ${line}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    expect(await knownKeys(way, home)).toEqual([keys.hostPublic]);
  });

  it.each([
    ['nothing', ''],
    ['another host', `b.example.org ${line}`],
    ['another port', `[a.example.org]:2222 ${line}`],
    ['a revoked one', `@revoked a.example.org ${line}`],
  ])('is refused as unknown where known_hosts has %s', async (_, text) => {
    await expect(knownIn(text)).rejects.toThrow('The key of a.example.org:22 is not known');
  });

  it('has the fingerprint that ssh-keygen prints', async () => {
    const file = join(await folder(), 'key.pub');
    await writeFile(file, `${line}\n`);
    expect(execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' })).toContain(
      fingerprint(keys.hostPublic),
    );
  });
});

describe('a private key', () => {
  it('is read', async () => {
    const key = join(await folder(), 'key');
    await writeFile(key, keys.clientPrivate, { mode: 0o600 });
    expect(await readKey({ ...way, key })).toBe(keys.clientPrivate);
  });

  it('is refused when others can read it, when it has a passphrase, and when it is none', async () => {
    const dir = await folder();
    const key = join(dir, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', key]);
    await expect(readKey({ ...way, key })).rejects.toThrow('has a passphrase');
    await chmod(key, 0o644);
    await expect(readKey({ ...way, key })).rejects.toThrow('can be read by others (mode 644)');
    await chmod(`${key}.pub`, 0o600);
    await expect(readKey({ ...way, key: `${key}.pub` })).rejects.toThrow('is no private key');
  });
});
