import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Journal } from './record/journal.ts';
import { createRun } from './record/runs.ts';
import { sampleRecord } from './record/sample.ts';
import { cli } from './testing/cli.ts';

const matrix = `name: nightly
trials: 4
machines: 2
distros:
  debian-12: { driver: qemu, kernel: "deb:bookworm" }
cgroups: [v1]
workloads: [sleep]
strategies:
  single: { preset: single }
expect:
  - { workload: sleep, rate: "== 1" }
`;
const cell = 'debian-12/v1/none/sleep/single';

beforeAll(() => void execFileSync(cli, ['--version']), 120_000);

/** A folder with a run that missed what was expected of it. */
async function missedRun(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  await using run = await createRun(join(dir, 'results'), {
    name: 'nightly',
    matrix: { file: 'nightly.yaml', text: matrix },
    options: { select: [], shard: null, jobs: null, kernel: null },
    cells: [cell],
    trials: 4,
    version: '0.1.0',
  });
  await using journal = await Journal.open(run.recordsPath);
  for (let trial = 0; trial < 4; trial++)
    void journal.append(sampleRecord({ cell, trial, outcome: 'not-frozen' }));
  await run.update({ status: 'finished' });
  return dir;
}

/** The exit code and the talk of a command whose reader has gone before it printed anything. */
async function unread(words: readonly string[], cwd: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(cli, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

describe('a command whose output nobody reads', () => {
  it('ends with the code that it has anyway', async () => {
    expect(await unread(['report'], await missedRun())).toEqual({ code: 1, said: '' });
  });

  it('that only prints ends at once, and that is no error', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const names = Array.from({ length: 300 }, (_, i) => `  d${i}: { driver: qemu, kernel: "deb:bookworm" }`);
    const many = Array.from({ length: 200 }, (_, i) => `  s${i}: { poll: ${i + 1}ms }`);
    const text = matrix
      .replace(/^ {2}debian-12.*$/m, names.join('\n'))
      .replace(/^ {2}single.*$/m, many.join('\n'));
    await writeFile(join(dir, 'm.yaml'), text);
    expect(await unread(['plan', 'm.yaml'], dir)).toEqual({ code: 0, said: '' });
  });
});
