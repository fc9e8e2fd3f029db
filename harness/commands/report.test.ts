import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { nightlyCell, storeNightly } from '../testing/stored.ts';
import { createProgram } from './program.ts';

let results = '';
beforeEach(async () => {
  results = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'results');
});

const makeRun = (frozen: number, failed: number): Promise<string> => storeNightly(results, frozen, failed);

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
    expect(out).toContain(`Expectations missed\n  ${nightlyCell}: expected a rate == 1, found 3/4`);
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
    // nobody knows what was planned and expected
    expect(code).toBe(69);
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
