import { once } from 'node:events';
import { mkdtemp, readdir } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it, onTestFinished, vi } from 'vitest';
import { findMirror } from './mirror.ts';
import { download, openAptRoot } from './root.ts';

/** Passes on the response of another server. */
async function pass(url: string, response: ServerResponse): Promise<void> {
  const { status, body } = await fetch(url);
  response.writeHead(status);
  if (body === null) response.end();
  else Readable.fromWeb(body).pipe(response);
}

it('a package that is not what the signed lists say is refused, and not left behind', async () => {
  vi.stubEnv('XDG_CACHE_HOME', await mkdtemp(join(tmpdir(), 'frostline-test-')));
  onTestFinished(() => void vi.unstubAllEnvs());
  const { main, security } = await findMirror();
  // everything that it serves is Debian's own, except the packages
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path.endsWith('.deb')) return response.end('!<arch>\nsomething else');
    const from = path.startsWith('/security/')
      ? security + path.slice('/security/'.length)
      : main + path.slice('/main/'.length);
    return void pass(from, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const mirror = { main: `${base}/main/`, security: `${base}/security/` };
  const root = await openAptRoot({ suite: 'bookworm', mirror });
  const version = /^Version: (.*)$/m.exec(await root.run(['apt-cache', 'show', 'hostname']))?.[1];
  const into = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  await expect(download(root, [`hostname=${version}`], into)).rejects.toThrow(
    /unexpected size|Hash Sum mismatch/,
  );
  expect((await readdir(into)).filter((name) => name.endsWith('.deb'))).toEqual([]);
});
