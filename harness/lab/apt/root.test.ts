import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { until } from '../../base/deadline.ts';
import { openAptRoot, type AptRoot } from './root.ts';

beforeEach(async () => vi.stubEnv('XDG_CACHE_HOME', await mkdtemp(join(tmpdir(), 'frostline-test-'))));
afterEach(() => void vi.unstubAllEnvs());

/** Starts a mirror on this host with the given request handler. */
async function mirror(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian/`;
}

const open = (uri: string): Promise<AptRoot> =>
  openAptRoot({ suite: 'bookworm', mirror: { main: uri, security: uri } });

describe("Debian's lists", () => {
  const failed = { code: 'kernel', todo: expect.stringContaining('the mirror reachable') };

  it('of a mirror that is gone are an error that says so', async () => {
    const uri = await mirror((_, response) => response.writeHead(404).end());
    await expect(open(uri)).rejects.toMatchObject({
      ...failed,
      message: expect.stringMatching(/lists for bookworm could not be had.*does not have a Release file/s),
    });
  });

  it('are refused when no key of Debian has signed them', async () => {
    const uri = await mirror((request, response) =>
      request.url?.endsWith('Release') ? response.end('Suite: bookworm\n') : response.writeHead(404).end(),
    );
    await expect(open(uri)).rejects.toMatchObject({
      ...failed,
      message: expect.stringMatching(/not signed|no valid|NODATA|clearsigned/i),
    });
  });

  it('are waited for while another controller fetches them', async () => {
    const uri = await mirror((_, response) => response.writeHead(404).end());
    // the first call creates the apt root, then fails
    const dir = await open(uri).catch((error: unknown) =>
      /\S+\/lock/.exec(String(error))![0].replace('/lock', ''),
    );
    if (typeof dir !== 'string') throw new Error('the mirror has lists');
    const holder = spawn('flock', [join(dir, 'lock'), 'sh', '-c', 'echo held; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const second = open(uri).then(
      () => 'opened',
      () => 'failed',
    );
    // two processes name the lock: the holder and the waiter
    const isNamed = (pid: string): Promise<boolean> =>
      readFile(`/proc/${pid}/cmdline`, 'utf8').then(
        (words) => words.startsWith(`flock\0${join(dir, 'lock')}\0`),
        () => false,
      );
    const waits = async (): Promise<true | undefined> => {
      const named = await Promise.all((await readdir('/proc')).map(isNamed));
      return named.filter(Boolean).length > 1 ? true : undefined;
    };
    await until({ ms: 10_000, what: 'a second flock' }, 20, waits);
    expect(await Promise.race([second, Promise.resolve('waits')])).toBe('waits');
    holder.stdin.end('\n');
    expect(await second).toBe('failed');
  });
});
