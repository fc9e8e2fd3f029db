import { createHash } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrostlineError } from '../../errors.ts';
import { body, serve, status, type TestServer } from '../../testing/server.ts';
import type { Answer } from './answer.ts';
import { askPlace, type Asker } from './ask.ts';
import type { Place } from './places.ts';

const content = 'a box';
const checksum = createHash('sha512').update(content).digest('hex');

let server: TestServer;
beforeEach(async () => void (server = await serve()));
afterEach(() => server[Symbol.asyncDispose]());

function ask(place: Place, over: Partial<Asker> = {}): Promise<Answer> {
  const mirror = { main: `${server.base}/debian/`, security: `${server.base}/security/` };
  return askPlace(place, {
    signal: new AbortController().signal,
    answerMs: 10_000,
    placeMs: 60_000,
    whole: false,
    boxServer: server.base,
    archives: { mirror: () => Promise.resolve(mirror), refusesExpired: () => Promise.resolve(true) },
    ...over,
  });
}

describe('a box of a registry', () => {
  const box = (version: string | null, provider = 'libvirt'): Place => ({
    kind: 'box',
    box: 'some/box',
    version,
    provider,
  });
  const api = '/api/v2/vagrant/some/box';
  const provider = (name: string, more: object = {}): object => ({
    name,
    url: `${server.base}/file`,
    checksum,
    checksum_type: 'sha512',
    architecture: 'amd64',
    default_architecture: true,
    ...more,
  });
  /** Publishes these versions in the registry. */
  const publish = (versions: Record<string, readonly object[]>, path = api): void => {
    const list = Object.entries(versions).map(([version, providers]) => ({ version, providers }));
    server.routes[path] = body(JSON.stringify({ name: 'some/box', versions: list }));
    server.routes['/file'] = body(content);
  };

  it('answers with the size of the version asked for, and the newest', async () => {
    publish({ '4.9.1': [provider('libvirt')], '4.10.0': [provider('libvirt')] });
    expect(await ask(box('4.9.1'))).toEqual({
      fault: null,
      note: null,
      bytes: 5,
      checksum: 'offered',
      newest: '4.10.0',
    });
    expect(server.asked).toEqual([`GET ${api}`, 'HEAD /file']);
  });

  it('is the newest for its provider where no version is asked for', async () => {
    publish({
      '1.0': [provider('libvirt')],
      '1.1': [provider('virtualbox', { url: 'http://127.0.0.1:9/none' })],
      '1.2-rc1': [provider('libvirt', { url: 'http://127.0.0.1:9/none' })],
    });
    expect(await ask(box(null))).toMatchObject({ fault: null, newest: '1.0' });
  });

  it('is looked for where private registries have it, too', async () => {
    publish({ '1.0': [provider('libvirt')] }, '/some/box');
    expect(await ask(box('1.0'))).toMatchObject({ fault: null, newest: '1.0' });
    expect(server.asked[0]).toBe(`GET ${api}`);
  });

  it.each([
    ['without architectures', { architecture: undefined, default_architecture: undefined }],
    ['from before there were any', { architecture: 'unknown' }],
  ])('can be one %s', async (_, more) => {
    publish({ '1.0': [provider('libvirt', more)] });
    expect((await ask(box('1.0'))).fault).toBeNull();
  });

  it('that nobody has is a fault', async () => {
    expect((await ask(box(null))).fault).toEqual({ code: 'no-box' });
    server.routes['/some/box'] = body('<html>Not here', { 'content-type': 'text/html' });
    expect((await ask(box(null))).fault).toEqual({ code: 'no-box' });
  });

  it('without the version is a fault that names others', async () => {
    publish({ '1.0': [provider('libvirt')], '2.0': [provider('virtualbox')] });
    expect(await ask(box('1.1'))).toMatchObject({
      fault: { code: 'no-version', version: '1.1', known: ['1.0'] },
      newest: '1.0',
    });
  });

  it('for other providers or machines is a fault that names them', async () => {
    publish({ '1.0': [provider('virtualbox'), provider('libvirt', { architecture: 'arm64' })] });
    const known = ['virtualbox (amd64)', 'libvirt (arm64)'];
    const fault = { code: 'no-provider', version: '1.0', provider: 'libvirt', known };
    expect(await ask(box('1.0'))).toMatchObject({ fault, newest: null });
    expect((await ask(box(null))).fault).toEqual(fault);
    expect((await ask(box('1.0', 'virtualbox'))).fault).toBeNull();
  });

  it('whose file is gone is a fault, with its newest version', async () => {
    publish({ '1.0': [provider('libvirt')] });
    server.routes['/file'] = status(404);
    expect(await ask(box('1.0'))).toMatchObject({ fault: { code: 'status', status: 404 }, newest: '1.0' });
  });

  it.each([
    ['no JSON', '<html>', 'it is no JSON'],
    ['something else', '{"versions":[{"providers":[]}]}', 'versions.0.version is not as expected'],
    ['no object', '[]', 'it is not as expected'],
  ])('whose metadata is %s is a fault', async (_, text, reason) => {
    server.routes[api] = body(text);
    expect((await ask(box('1.0'))).fault).toEqual({ code: 'metadata', reason });
  });

  it.each([401, 503])('of a server that says %i is that fault', async (code) => {
    server.routes[api] = status(code);
    expect((await ask(box('1.0'))).fault).toEqual({ code: 'status', status: code });
  });

  it('is compared as a whole with the checksum of the registry where that is wanted', async () => {
    publish({ '1.0': [provider('libvirt')] });
    expect(await ask(box('1.0'), { whole: true })).toMatchObject({ fault: null, checksum: 'verified' });
    server.routes['/file'] = body('another');
    expect(await ask(box('1.0'), { whole: true })).toMatchObject({
      fault: { code: 'hash', expected: checksum },
      checksum: 'differs',
    });
    publish({ '1.0': [provider('libvirt', { checksum_type: 'crc32' })] });
    expect((await ask(box('1.0'), { whole: true })).fault).toEqual({ code: 'checksum', algorithm: 'crc32' });
  });
});

describe('a suite of Debian', () => {
  const release = (fields: string): string =>
    `Origin: Debian\nVersion: 12.9\nComponents: main contrib\nArchitectures: all amd64\n${fields}SHA256:\n abc\n`;
  const suite: Place = { kind: 'suite', suite: 'bookworm', text: 'deb:bookworm' };
  const main = '/debian/dists/bookworm/Release';
  const security = '/security/dists/bookworm-security/Release';
  beforeEach(() => {
    server.routes[main] = body(release(''));
    server.routes[security] = body(release('').replace('main', 'updates/main'));
  });

  it('answers with its version when all its archives do', async () => {
    expect(await ask(suite)).toMatchObject({ fault: null, newest: '12.9' });
    expect(server.asked).toEqual([`GET ${main}`, `GET ${security}`]);
  });

  it('is what a box is built from', async () => {
    const own: Place = { kind: 'own-box', box: 'frostline/bookworm', suite: 'bookworm' };
    expect(await ask(own)).toMatchObject({ fault: null, note: 'built here' });
    delete server.routes[main];
    expect((await ask(own)).fault).toMatchObject({ code: 'archive', name: 'bookworm' });
  });

  it('is a fault without its security archive', async () => {
    delete server.routes[security];
    const of = { code: 'status', status: 404 };
    expect((await ask(suite)).fault).toEqual({ code: 'archive', name: 'bookworm-security', of });
  });

  it.each([
    ['has expired', release('Valid-Until: Sat, 01 Jan 2000 00:00:00 UTC\n'), 'expired'],
    ['is not for amd64', release('').replace('amd64', 'arm64'), 'not-for'],
    ['has no main', release('').replace('main ', ''), 'not-for'],
  ])('is a fault when it %s', async (_, text, code) => {
    server.routes[main] = body(text);
    expect((await ask(suite)).fault).toMatchObject({ code: 'archive', of: { code } });
  });

  it('that has expired is taken where apt takes it', async () => {
    server.routes[main] = body(release('Valid-Until: Sat, 01 Jan 2000 00:00:00 UTC\n'));
    const mirror = { main: `${server.base}/debian/`, security: `${server.base}/security/` };
    const archives = {
      mirror: () => Promise.resolve(mirror),
      refusesExpired: () => Promise.resolve(false),
    };
    expect((await ask(suite, { archives })).fault).toBeNull();
  });

  it('is not asked for where the mirror is a folder', async () => {
    const mirror = { main: 'file:/srv/debian/', security: 'file:/srv/security/' };
    const archives = { mirror: () => Promise.resolve(mirror), refusesExpired: () => Promise.resolve(true) };
    expect(await ask(suite, { archives })).toMatchObject({ fault: null, newest: null });
  });

  it('is a fault on a host without a mirror', async () => {
    const none = new FrostlineError('No Debian archive.', { code: 'host', todo: 'Name one.' });
    const fault = { code: 'host', reason: 'No Debian archive.', todo: 'Name one.' };
    const archives = { mirror: () => Promise.reject(none), refusesExpired: () => Promise.resolve(true) };
    expect((await ask(suite, { archives })).fault).toEqual(fault);
  });
});

describe('a file of this host', () => {
  const sha256 = createHash('sha256').update(content).digest('hex');
  let path = '';
  beforeEach(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'a.qcow2');
    await writeFile(path, content);
  });
  const file = (over: object = {}): Place => ({ kind: 'file', path, sha256: null, ...over });

  it('is there, with its size, and its hash where one is given', async () => {
    expect(await ask(file())).toMatchObject({ fault: null, bytes: 5, checksum: null });
    expect(await ask(file({ sha256 }))).toMatchObject({ fault: null, bytes: 5, checksum: 'verified' });
  });

  it('is a fault when it is not, or is another', async () => {
    expect((await ask(file({ path: `${path}.gone` }))).fault).toMatchObject({ code: 'missing-file' });
    expect((await ask({ kind: 'folder', path })).fault).toMatchObject({ code: 'missing-file' });
    expect(await ask(file({ sha256: '0'.repeat(64) }))).toMatchObject({
      fault: { code: 'hash', is: sha256 },
      checksum: 'differs',
    });
  });
});
