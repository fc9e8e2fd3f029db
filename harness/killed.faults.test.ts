import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { until } from './base/deadline.ts';
import { leftovers } from './testing/machines.ts';
import { cli, frostline, start } from './testing/cli.ts';
import { recordsOf } from './testing/results.ts';

const kills = 50;
const trials = 1200;
const matrix = `name: test
trials: ${trials}
machines: 8
distros:
  debian-11: { driver: qemu, kernel: "deb:bullseye" }
cgroups: [v1]
workloads: [sleep]
strategies:
  single: { preset: single, poll: 50ms }
`;

beforeAll(async () => {
  execFileSync(cli, ['--version']);
  vi.stubEnv('XDG_RUNTIME_DIR', await mkdtemp(join(tmpdir(), 'run-')));
});
afterAll(() => void vi.unstubAllEnvs());

const resume = ['run', '--resume', 'latest'];
const jobs = ['--jobs', '2'];

const keysOf = (dir: string): string[] => {
  try {
    return recordsOf(dir).map(({ cell, trial }) => `${cell} ${trial}`);
  } catch {
    return [];
  }
};

/** How long a run takes to its first record, measured now, since a busy host boots slowly. */
async function msToFirstRecord(dir: string): Promise<number> {
  const began = performance.now();
  const { child, ended } = start(['run', 'm.yaml', ...jobs], dir);
  const hasOne = async (): Promise<true | undefined> => (keysOf(dir).length > 0 ? true : undefined);
  await until({ ms: 120_000, what: 'a first record' }, 50, hasOne);
  child.kill('SIGKILL');
  await ended;
  await rm(join(dir, 'results'), { recursive: true });
  return performance.now() - began;
}

it.each([
  ['machines that boot', ''],
  ['machines from templates', 'templates: true\n'],
])(
  `a controller that is killed at ${kills} moments loses no trial, counts none twice, and leaves no machine: with %s`,
  async (_, more) => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    await writeFile(join(dir, 'm.yaml'), more + matrix);
    // twice as long as it takes to boot and measure a trial, so that every phase of a run is hit
    const longestMs = Math.min(30_000, 2 * (await msToFirstRecord(dir)));
    let before: string[] = [];
    for (let kill = 0; kill < kills; kill++) {
      // a run that was killed before its first record is started afresh
      if (before.length === 0) await rm(join(dir, 'results'), { recursive: true, force: true });
      const run = start([...(before.length === 0 ? ['run', 'm.yaml'] : resume), ...jobs], dir);
      // the random moment is the point of the test: there is nothing to wait for
      await sleep(Math.random() * longestMs);
      run.child.kill('SIGKILL');
      await run.ended;
      const gone = async (): Promise<true | undefined> =>
        (await leftovers()).every(({ processes }) => processes.length === 0) ? true : undefined;
      await until({ ms: 10_000, what: 'the machines to end' }, 50, gone);
      const after = keysOf(dir);
      expect(after.slice(0, before.length)).toEqual(before);
      before = after;
    }
    await frostline(['clean'], dir);
    expect(await leftovers()).toEqual([]);
    expect(before.length).toBeGreaterThan(0);
    expect(await frostline([...resume, ...jobs], dir)).toMatchObject({ code: 0 });
    const all = keysOf(dir);
    expect(all.slice(0, before.length)).toEqual(before);
    expect([all.length, new Set(all).size]).toEqual([trials, trials]);
  },
);
