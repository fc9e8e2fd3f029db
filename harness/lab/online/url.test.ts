import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { body, serve, status, type TestServer } from '../../testing/server.ts';
import type { Answer } from './answer.ts';
import { askPlace, type Asker } from './ask.ts';

const content = 'a disk image';
const sha256 = createHash('sha256').update(content).digest('hex');
const other = '0'.repeat(64);

let server: TestServer;
beforeEach(async () => void (server = await serve()));
afterEach(() => server[Symbol.asyncDispose]());

const unneeded = (): Promise<never> => Promise.reject(new Error('not needed for a URL'));

const asker = (over: Partial<Asker> = {}): Asker => ({
  signal: new AbortController().signal,
  answerMs: 10_000,
  placeMs: 60_000,
  whole: false,
  boxServer: server.base,
  archives: { mirror: unneeded, refusesExpired: unneeded },
  ...over,
});

/** Asks for a file on the test server, or at another URL. */
function ask(path: string, over: Partial<Asker> & { sha256?: string } = {}): Promise<Answer> {
  const url = path.startsWith('/') ? server.base + path : path;
  return askPlace({ kind: 'url', url, sha256: over.sha256 ?? sha256 }, asker(over));
}

const silent: RequestListener = () => undefined;
/** Promises more bytes than it sends, and closes the connection. */
const cut: RequestListener = (request, response) => {
  response.writeHead(200, { 'content-length': 100 });
  if (request.method === 'HEAD') response.end();
  else response.write('some', () => response.destroy());
};
/** Starts a body that never ends. */
const stuck: RequestListener = (request, response) => {
  response.writeHead(200, { 'content-length': 100 });
  if (request.method === 'HEAD') response.end();
  else response.write('some');
};

describe('a file at a URL', () => {
  it('answers with its size, and is not downloaded', async () => {
    server.routes['/image'] = body(content);
    expect(await ask('/image')).toMatchObject({ fault: null, bytes: 12, checksum: 'given' });
    expect(server.asked.filter((one) => one.endsWith('/image'))).toEqual(['HEAD /image']);
  });

  it('is followed to where it has moved', async () => {
    server.routes['/old'] = status(302, { location: '/new' });
    server.routes['/new'] = body(content);
    expect(await ask('/old')).toMatchObject({ fault: null, bytes: 12 });
  });

  it.each([403, 405, 501])('is asked for one byte where HEAD is refused with %i', async (code) => {
    server.routes['/image'] = (request, response) => {
      if (request.method === 'HEAD') return void response.writeHead(code).end();
      expect(request.headers.range).toBe('bytes=0-0');
      response.writeHead(206, { 'content-range': 'bytes 0-0/5000', 'content-length': 1 }).end('a');
    };
    expect(await ask('/image')).toMatchObject({ fault: null, bytes: 5000 });
  });

  it('has no size where the server does not tell it', async () => {
    server.routes['/image'] = (_, response) => void response.writeHead(200).end();
    expect(await ask('/image')).toMatchObject({ fault: null, bytes: null });
  });

  it.each([404, 403, 500, 503])(
    'is not there when the server says %i, which it is asked once',
    async (code) => {
      server.routes['/image'] = status(code);
      expect((await ask('/image')).fault).toEqual({ code: 'status', status: code });
      // a 403 may apply to HEAD only
      expect(server.asked).toHaveLength(code === 403 ? 2 : 1);
    },
  );

  it('that redirects for ever is a fault', async () => {
    server.routes['/image'] = status(302, { location: '/image' });
    expect((await ask('/image')).fault).toEqual({ code: 'redirects' });
  });

  it.each([
    ['without an answer', silent],
    ['with a body that stops to come', stuck],
  ])('%s is a fault after a while', async (_, route) => {
    server.routes['/image'] = route;
    const { fault } = await ask('/image', { whole: true, answerMs: 200 });
    expect(fault).toEqual({ code: 'silent', ms: 200 });
  });

  it.each([
    ['with fewer bytes than it said', cut, { code: 'length', got: 4, said: 100 }],
    [
      'that is a web page',
      body('<html>', { 'content-type': 'text/html; charset=utf-8' }),
      { code: 'web-page' },
    ],
    ['that is empty', body(''), { code: 'empty' }],
  ])('%s is a fault', async (_, route, fault) => {
    server.routes['/image'] = route;
    expect((await ask('/image', { whole: true })).fault).toEqual(fault);
  });

  it('that comes too slowly is a fault', async () => {
    server.routes['/image'] = body(content);
    server.routes['/image.sha256'] = (_, response) => {
      const drip = setInterval(() => response.write('a'), 20);
      response.once('close', () => clearInterval(drip));
    };
    expect((await ask('/image', { placeMs: 300 })).fault).toEqual({ code: 'slow', ms: 300 });
  });

  it('of a host that is not there, or speaks no TLS, is a fault', async () => {
    // a label of 64 characters is invalid in DNS, so no server is asked for it
    const host = `${'a'.repeat(64)}.test`;
    expect((await ask(`http://${host}/image`)).fault).toEqual({ code: 'no-host', host });
    const tls = await ask(`${server.base.replace('http', 'https')}/image`);
    expect(tls.fault).toEqual({ code: 'tls', reason: 'ERR_SSL_WRONG_VERSION_NUMBER' });
  });

  it('is asked for again when the connection breaks', async () => {
    let left = 2;
    server.routes['/image'] = (request, response) =>
      left-- > 0 ? void request.socket.destroy() : body(content)(request, response);
    expect(await ask('/image')).toMatchObject({ fault: null, bytes: 12 });
    expect(server.asked.filter((one) => one === 'HEAD /image')).toHaveLength(3);
  });

  it('is given up when it breaks each time', async () => {
    server.routes['/image'] = (request) => void request.socket.destroy();
    expect((await ask('/image')).fault).toMatchObject({ code: 'unreachable' });
    expect(server.asked).toHaveLength(3);
  });

  it('gets the name and the password of its URL as a header', async () => {
    server.routes['/image'] = (request, response) =>
      request.headers.authorization === `Basic ${Buffer.from('me:s3cret').toString('base64')}`
        ? body(content)(request, response)
        : status(401)(request, response);
    const url = `${server.base.replace('://', '://me:s3cret@')}/image`;
    expect(await ask(url)).toMatchObject({ fault: null, bytes: 12 });
  });
});

describe('the SHA-256 of a file at a URL', () => {
  beforeEach(() => void (server.routes['/dir/a.img'] = body(content)));

  it.each([
    ['/dir/a.img.sha256', `${sha256}\n`],
    ['/dir/a.img.sha256', `${sha256}  a.img\n`],
    ['/dir/sha256sum.txt', `${other}  b.img\n${sha256}  a.img\n`],
    ['/dir/SHA256SUMS', `${other} *b.img\r\n${sha256.toUpperCase()} *a.img\r\n`],
    ['/dir/CHECKSUM', `# a.img: 12 bytes\nSHA256 (a.img) = ${sha256}\n`],
  ])('is compared with that in %s', async (path, list) => {
    server.routes[path] = body(list);
    expect(await ask('/dir/a.img')).toMatchObject({ fault: null, checksum: 'listed' });
    expect(await ask('/dir/a.img', { sha256: other })).toMatchObject({
      fault: { code: 'hash', is: sha256, expected: other },
      checksum: 'differs',
      bytes: 12,
    });
  });

  it.each([
    ['of other files', `${other}  b.img\n${other}  aaa.img\n`],
    ['with other hashes', `${'0'.repeat(40)}  a.img\n`],
    ['that is a web page', '<html>'],
  ])('is not compared with a list %s', async (_, list) => {
    server.routes['/dir/SHA256SUMS'] = body(list);
    expect(await ask('/dir/a.img', { sha256: other })).toMatchObject({ fault: null, checksum: 'given' });
  });

  it('is compared with all bytes where that is wanted', async () => {
    const downloads: string[] = [];
    const over = { whole: true, onDownload: (what: string) => void downloads.push(what) };
    expect(await ask('/dir/a.img', over)).toMatchObject({ fault: null, checksum: 'verified' });
    expect(downloads).toEqual([`${server.base}/dir/a.img`]);
    expect(await ask('/dir/a.img', { ...over, sha256: other })).toMatchObject({
      fault: { code: 'hash', is: sha256, expected: other },
      checksum: 'differs',
    });
  });
});

it('who asks can stop at any moment', async () => {
  server.routes['/image'] = silent;
  const stop = new AbortController();
  server.onRequest = () => stop.abort(new Error('told to stop'));
  await expect(ask('/image', { signal: stop.signal })).rejects.toThrow('told to stop');
});
