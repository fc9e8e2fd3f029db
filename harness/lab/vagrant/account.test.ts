import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { runInFolder } from './account.ts';

afterEach(() => vi.unstubAllEnvs());

it("gives vagrant where boxes are and how they are reached, and nothing else of the user's environment", async () => {
  vi.stubEnv('VAGRANT_SERVER_URL', 'https://boxes.example.org');
  vi.stubEnv('https_proxy', 'http://me:secret@proxy.example.org:3128');
  vi.stubEnv('VAGRANT_CWD', '/elsewhere');
  vi.stubEnv('SECRET', 'kept');
  const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  const { stdout } = await runInFolder(
    { base: dir, as: null },
    dir,
    ['sh', '-c', 'env; cat /proc/$PPID/cmdline'],
    {
      timeoutMs: 10_000,
    },
  );
  const names = [...stdout.matchAll(/^([A-Za-z_]+)=/gm)].map(([, name = '']) => name);
  expect(names.filter((name) => !/^(XDG_\w+_(DIR|HOME)|PWD|SHLVL|_|OLDPWD)$/.test(name)).sort()).toEqual([
    'FROSTLINE_MACHINE',
    'HOME',
    'LC_ALL',
    'PATH',
    'VAGRANT_BOX_UPDATE_CHECK_DISABLE',
    'VAGRANT_CHECKPOINT_DISABLE',
    'VAGRANT_HOME',
    'VAGRANT_SERVER_URL',
    'https_proxy',
  ]);
  expect(stdout.match(/secret/g)).toHaveLength(1);
});
