import { createHash } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { body, serve, status, type TestServer } from '../testing/server.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';

const content = 'a disk image';
const sha256 = createHash('sha256').update(content).digest('hex');

let server: TestServer;
let dir = '';
// the mirror is looked up once per process, so all tests here share one server
beforeAll(async () => {
  server = await serve();
  vi.stubEnv('FROSTLINE_DEBIAN_MIRROR', `${server.base}/debian`);
  vi.stubEnv('FROSTLINE_DEBIAN_SECURITY_MIRROR', `${server.base}/security`);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
});

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  for (const path of Object.keys(server.routes)) delete server.routes[path];
  server.asked.length = 0;
  server.onRequest = () => undefined;
  server.routes['/image'] = body(content);
  const release = body('Version: 12.9\nComponents: main\nArchitectures: amd64\n');
  server.routes['/debian/dists/bookworm/Release'] = release;
  server.routes['/security/dists/bookworm-security/Release'] = release;
  const providers = [{ name: 'libvirt', url: `${server.base}/image`, architecture: 'amd64' }];
  server.routes['/api/v2/vagrant/some/box'] = body(
    JSON.stringify({ versions: [{ version: '1.0', providers }] }),
  );
});

const shownHost = 'host.test:12345';

interface Ended {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/**
 * Runs `check` with these arguments; in the output the server's address is replaced by one of equal length, and the
 * test's folder removed.
 */
async function check(words: readonly string[], over: Partial<Io> = {}): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough({ highWaterMark: 2 ** 20 }), new PassThrough()];
  let code = 0;
  const io: Io = {
    stdout,
    stderr,
    env: { VAGRANT_SERVER_URL: server.base },
    signal: new AbortController().signal,
    setExitCode: (next) => (code = next),
    ...over,
  };
  await createProgram(io, '1.2.3').parseAsync(['check', ...words], { from: 'user' });
  const text = (stream: PassThrough): string =>
    String(stream.read() ?? '')
      .replaceAll(server.base.replace('http://', ''), shownHost)
      .replaceAll(`${dir}/`, '');
  return { out: text(stdout), err: text(stderr), code };
}

/** Writes a matrix with these distros; resolves with its file. */
async function matrix(distros: string, name = 'm'): Promise<string> {
  const file = join(dir, `${name}.yaml`);
  const rest = 'cgroups: [v1]\nworkloads: [sleep]\nstrategies:\n  single: { preset: single }\n';
  await writeFile(file, `name: ${name}\ntrials: 1\nmachines: 1\ndistros:\n${distros}${rest}`);
  return file;
}

const image = (path: string): string =>
  `{ driver: qemu, image: "url:${server.base}${path},sha256=${sha256}" }`;
const box = '{ driver: vagrant, box: some/box }';

describe('check --online', () => {
  it('tells in a table what each place answers', async () => {
    const file = await matrix(`  mine: ${image('/image')}
  theirs: ${box}
  debian-12: { driver: qemu, kernel: "deb:bookworm", userland: "deb:bookworm" }
  built: { driver: vagrant, box: frostline/bookworm }
  host: { driver: ssh, host: h.example.org }
`);
    const { out, err, code } = await check(['--online', file]);
    expect(out).toBe(`m.yaml: 5 cells, 5 trials, 5 distros, 5 machines
distro     way              place                         answer      size   checksum     newest
mine       qemu image       http://host.test:12345/image  answers     1 KiB  not offered
theirs     vagrant libvirt  some/box                      answers     1 KiB               1.0
debian-12  qemu             deb:bookworm                  answers                         12.9
built      vagrant libvirt  frostline/bookworm            built here                      12.9
host       ssh              root@h.example.org:22         not asked

Each of 5 distros can be had.
`);
    expect({ err, code }).toEqual({ err: '', code: 0 });
  });

  it('says what to do, and goes on, and fails when a distro cannot be had', async () => {
    server.routes['/busy'] = status(503);
    const file = await matrix(`  gone: ${image('/gone')}
  two:
    ways:
      - ${image('/busy')}
      - ${box}
`);
    const { out, code } = await check(['--online', file]);
    expect(out.split('\n').slice(2)).toEqual([
      'gone    qemu image       http://host.test:12345/gone  HTTP 404',
      'two     qemu image       http://host.test:12345/busy  HTTP 503',
      'two     vagrant libvirt  some/box                     answers   1 KiB            1.0',
      '',
      'gone: http://host.test:12345/gone: HTTP 404',
      '  -> Correct the address: what was there may have moved to an archive.',
      'two: http://host.test:12345/busy: HTTP 503',
      '  -> Try again later: the trouble is at the server.',
      '',
      '1 of 2 distros can be had. No way answers to: gone.',
      '',
    ]);
    expect(code).toBe(69);
  });

  it('is content with a distro of which one way answers', async () => {
    const file = await matrix(`  two:\n    ways:\n      - ${image('/gone')}\n      - ${box}\n`);
    const { out, code } = await check(['--online', file]);
    expect(out).toMatch(/HTTP 404[^]*Each of 1 distro can be had\.\n$/);
    expect(code).toBe(0);
  });

  it('wants every place of a way', async () => {
    const kernel = `url:${server.base}/image,sha256=${sha256} + ${server.base}/gone,sha256=${sha256}`;
    const file = await matrix(`  split: { driver: qemu, kernel: "${kernel}" }\n`);
    expect((await check(['--online', file])).code).toBe(69);
  });

  it('asks for a place once, however often it is named', async () => {
    const files = [await matrix(`  a: ${box}\n  b: ${box}\n`, 'one'), await matrix(`  c: ${box}\n`, 'two')];
    expect((await check(['--online', ...files])).code).toBe(0);
    expect(server.asked).toEqual(['GET /api/v2/vagrant/some/box', 'HEAD /image']);
  });

  it('is one JSON document where that is wanted', async () => {
    const files = [
      await matrix(`  mine: ${image('/image')}\n`),
      await matrix(`  gone: ${image('/gone')}\n`, 'n'),
    ];
    const { out, code } = await check(['--online', '--json', ...files]);
    const place = { answers: true, answer: 'answers', fault: null, todo: null, bytes: 12, checksum: 'given' };
    expect(JSON.parse(out)).toMatchObject({
      schema: 1,
      matrices: [
        {
          file: 'm.yaml',
          matrix: 'm',
          distros: [{ distro: 'mine', answers: true, ways: [{ places: [place] }] }],
        },
        {
          matrix: 'n',
          distros: [{ answers: false, ways: [{ way: 'qemu image', places: [{ fault: 'status' }] }] }],
        },
      ],
    });
    expect(code).toBe(69);
  });

  it('downloads and compares with --hash', async () => {
    server.routes['/image'] = body('another image');
    const file = await matrix(`  mine: ${image('/image')}\n`);
    expect((await check(['--online', file])).code).toBe(0);
    const { out, err, code } = await check(['--online', '--hash', file]);
    expect(err).toBe('frostline: downloading http://host.test:12345/image to compare it\n');
    expect(out).toMatch(/another file +1 KiB +differs[^]*-> \S{64} was expected; it has \S{64}\. Compare/);
    expect(code).toBe(69);
  });

  it('gives up on a silent server after --timeout', async () => {
    server.routes['/image'] = () => undefined;
    const file = await matrix(`  mine: ${image('/image')}\n`);
    const { out, code } = await check(['--online', '--timeout', '0.2', file]);
    expect(out).toContain('silent for 0.2 s');
    expect(code).toBe(69);
  });

  it('never shows the name and the password of a URL', async () => {
    const secret = server.base.replace('://', '://me:s3cret@');
    const file = await matrix(
      `  mine: { driver: qemu, image: "url:${secret}/gone?key=s3cret,sha256=${sha256}" }\n`,
    );
    for (const words of [[], ['--json'], ['--hash']]) {
      const { out, err } = await check(['--online', ...words, file]);
      expect(out).toContain('http://host.test:12345/gone?...');
      expect(out + err).not.toContain('s3cret');
    }
  });

  it('exits as a wrong matrix does, whatever the others answer', async () => {
    const [good, bad] = [await matrix(`  a: ${image('/gone')}\n`), await matrix('  b: {}\n', 'bad')];
    const { out, err, code } = await check(['--online', bad, good]);
    expect(out).toContain('HTTP 404');
    expect(err).toContain('bad.yaml:5:');
    expect(code).toBe(2);
  });

  it('stops when it is told to', async () => {
    server.routes['/image'] = () => undefined;
    const stop = new AbortController();
    server.onRequest = () => stop.abort(new Error('told to stop'));
    const checking = check(['--online', await matrix(`  a: ${image('/image')}\n`)], { signal: stop.signal });
    await expect(checking).rejects.toThrow('told to stop');
  });

  it.each([
    [['--hash'], '--hash needs --online.'],
    [['--json'], '--json needs --online.'],
    [['--timeout', '5'], '--timeout needs --online.'],
    [['--online', '--timeout', 'soon'], '--timeout "soon" is no number of seconds.'],
  ])('refuses %j', async (words, message) => {
    await expect(check([...words, 'm.yaml'])).rejects.toMatchObject({ code: 'usage', message });
  });
});
