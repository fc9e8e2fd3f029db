import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../record/journal.ts';
import { createRun } from '../record/runs.ts';
import { sampleRecord } from '../record/sample.ts';
import { createProgram } from './program.ts';

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

let results = '';
beforeEach(async () => {
  results = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'results');
});

/** Makes a run with frozen trials and, at its end, one that is not. */
async function makeRun(frozen: number, failed: number): Promise<string> {
  await using run = await createRun(results, {
    name: 'nightly',
    matrix: { file: 'nightly.yaml', text: matrix },
    options: { select: [], shard: null, jobs: null, kernel: null },
    cells: [cell],
    trials: 4,
    version: '0.1.0',
  });
  await using journal = await Journal.open(run.recordsPath);
  for (let trial = 0; trial < frozen + failed; trial++) {
    void journal.append(
      sampleRecord({
        ...{ cell, trial, outcome: trial < frozen ? 'frozen' : 'not-frozen' },
        machine: { ...sampleRecord().machine, boot: `b${trial % 10}` },
      }),
    );
  }
  await run.update({ status: 'finished' });
  return run.dir;
}

async function report(...words: string[]): Promise<{ out: string; err: string; code: number }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let code = 0;
  const { signal } = new AbortController();
  const io = { stdout, stderr, env: {}, signal, setExitCode: (next: number) => (code = next) };
  await createProgram(io, '1.2.3').parseAsync([
    'node',
    'frostline',
    'report',
    '--results',
    results,
    ...words,
  ]);
  return { out: String(stdout.read() ?? ''), err: String(stderr.read() ?? ''), code };
}

describe('frostline report', () => {
  it('reports the newest run and exits by what was expected of it', async () => {
    await makeRun(4, 0);
    expect(await report()).toMatchObject({ out: expect.stringContaining('4/4 100%'), err: '', code: 0 });
  });

  it('exits with 1 when a cell missed what was expected', async () => {
    await makeRun(3, 1);
    const { out, code } = await report('latest');
    expect(out).toContain(`Expectations missed\n  ${cell}: expected a rate == 1, found 3/4`);
    expect(code).toBe(1);
  });

  it('exits with 69 when a cell has no trial, in every format', async () => {
    await makeRun(0, 0);
    for (const format of ['terminal', 'json', 'markdown']) {
      expect(await report('--format', format)).toMatchObject({ err: '', code: 69 });
    }
  });

  it('reports what is left of a damaged run, and says what is not', async () => {
    const dir = await makeRun(2, 0);
    await appendFile(join(dir, 'records.ndjson'), 'rubbish\n{"schema":1,');
    await writeFile(join(dir, 'run.json'), 'rubbish');
    const { out, err, code } = await report(dir);
    expect(out).toContain('2/2 100%');
    expect(err).toMatch(/run\.json is not the description of a run/);
    expect(err).toMatch(/records\.ndjson: line 3: damaged, left out: not JSON/);
    expect(err).toMatch(/records\.ndjson: line 4: torn/);
    expect(code).toBe(0);
  });

  it('reports a run without records and rejects a name that no run has', async () => {
    const dir = await makeRun(1, 0);
    await rm(join(dir, 'records.ndjson'));
    expect((await report()).err).toContain('no records: the run ended before its first trial');
    await expect(report('weekly')).rejects.toThrow('is called "weekly"');
  });
});

describe('report --template release', () => {
  it('judges the uses of each kernel, over several runs, in Markdown, JSON and HTML', async () => {
    await makeRun(20, 0);
    await makeRun(20, 0);
    const words = ['--template', 'release', 'latest', 'latest~1'];
    const { out, code } = await report(...words);
    expect(code).toBe(0);
    expect(out).toContain('## Linux 6.1.0-56-cloud-amd64');
    expect(out).toContain(
      "| Checkpoint: CRIU's loop before 4.1 | v1 | ✔ **works** | 40 of 40 freezes, at least 90 %. |  |",
    );
    const json = JSON.parse((await report(...words, '--format', 'json')).out) as { kernels: unknown[] };
    expect(json.kernels).toMatchObject([{ release: '6.1.0-56-cloud-amd64', uses: [{ verdict: 'works' }] }]);
    const html = (await report(...words, '--format', 'html')).out;
    expect(html).toContain('<span class="badge works">');
    expect(html).not.toMatch(/<script|src=|href=/);
  });

  it('is for several runs alone', async () => {
    await makeRun(1, 0);
    await expect(report('latest', 'latest~1')).rejects.toThrow('A report is of one run.');
  });
});
