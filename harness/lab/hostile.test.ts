import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { until } from '../base/deadline.ts';
import { runtimeDir } from '../base/paths.ts';
import { boundLog } from './console.ts';
import { findQemu } from './qemu/binary.ts';
import { Qmp } from './qemu/qmp.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
});
afterEach(() => void vi.unstubAllEnvs());

describe('the folder of live machines', () => {
  it('is private, and no link that somebody else put there', async () => {
    vi.stubEnv('FROSTLINE_RUNTIME_DIR', join(dir, 'machines'));
    expect((await stat(runtimeDir())).mode & 0o777).toBe(0o700);
    await symlink(dir, join(dir, 'link'));
    vi.stubEnv('FROSTLINE_RUNTIME_DIR', join(dir, 'link'));
    expect(runtimeDir).toThrow('is no folder but a link');
  });
});

describe('a console', () => {
  it('without end is cut back to its beginning, and goes on', async () => {
    const path = join(dir, 'console');
    await writeFile(path, 'the beginning\n');
    await truncate(path, 1 << 20);
    using _ = boundLog(path, { most: 1 << 19, kept: 14, everyMs: 5 });
    const cut = async (): Promise<true | undefined> =>
      (await readFile(path, 'utf8')).endsWith('without end\n') ? true : undefined;
    await until({ ms: 5000, what: 'the cut' }, 5, cut);
    await appendFile(path, 'the end\n');
    expect(await readFile(path, 'utf8')).toBe(
      'the beginning\n\nfrostline: left out 1048562 bytes of a console without end\nthe end\n',
    );
  });
});

describe("QEMU's monitor", () => {
  it('that is cut in the middle of a line fails the command that waits for it', async () => {
    const path = join(dir, 'qmp');
    const server = createServer((socket) => {
      socket.write('{"QMP": {}}\n');
      socket.once('data', () => {
        socket.write('{"return": {}}\n');
        socket.once('data', () => socket.end('{"return": {"sta'));
      });
    }).listen(path);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    using qmp = await Qmp.open(path);
    await expect(qmp.execute('query-status')).rejects.toThrow('QEMU closed its monitor');
  });
});

describe('a QEMU', () => {
  const qemu = async (script: string): Promise<string> => {
    const path = join(dir, 'qemu');
    await writeFile(path, `#!/bin/sh\n${script}\necho QEMU emulator version 10.0.2\n`, { mode: 0o755 });
    vi.stubEnv('FROSTLINE_QEMU', path);
    return path;
  };

  it('is confined by seccomp where it was built with it', async () => {
    await qemu('');
    expect(await findQemu()).toMatchObject({ version: '10.0.2', hasSeccomp: true });
    await qemu('[ "$1" != -sandbox ] || { echo "-sandbox support is not enabled" >&2; exit 1; }');
    expect(await findQemu()).toMatchObject({ version: '10.0.2', hasSeccomp: false });
  });

  it('that is named and is none is an error with what to do', async () => {
    const path = await qemu('exit 1');
    await expect(findQemu()).rejects.toMatchObject({
      message: `FROSTLINE_QEMU=${path} does not run.`,
      code: 'host',
    });
  });
});
