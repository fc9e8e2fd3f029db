import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture, command } from '../base/command.ts';

// The guest's sources on plain files, each test a program of tests/: no machine, and what no kernel at hand lacks.
const here = new URL('.', import.meta.url).pathname;
const tests = (await readdir(join(here, 'tests'))).filter((name) => name.endsWith('.c'));
const flags = [
  ...['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-pthread'],
  ...['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'],
];

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-guest-'));
  const sources = (await readdir(here, { recursive: true })).filter(
    (name) => name.endsWith('.c') && !name.startsWith('tests/') && name !== 'main.c',
  );
  const objects = sources.map((name) => join(dir, `${name.replaceAll('/', '-')}.o`));
  const make = async (i: number): Promise<void> => {
    for (let n = i; n < sources.length; n += 2)
      await command(['cc', ...flags, '-c', '-o', objects[n]!, join(here, sources[n]!)], {
        timeoutMs: 120_000,
      });
  };
  await Promise.all([make(0), make(1)]);
  await command(['ar', 'rcs', join(dir, 'guest.a'), ...objects]);
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('the guest, on plain files', () => {
  it.each(tests)('%s', async (name) => {
    const program = join(dir, basename(name, '.c'));
    await command(['cc', ...flags, '-o', program, join(here, 'tests', name), join(dir, 'guest.a')], {
      timeoutMs: 120_000,
    });
    const cwd = await mkdtemp(`${program}-`);
    const { code, stdout, stderr } = await capture([program], {
      cwd,
      // its own look for leaks needs a kernel newer than the one that is played
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
      timeoutMs: 60_000,
    });
    expect(stdout.split('\n').filter((line) => line.startsWith('not ok'))).toEqual([]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^1\.\.\d+$/m);
  });
});
