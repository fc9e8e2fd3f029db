import { appendFile, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../history/duck.ts';
import { restore } from '../history/restore.ts';
import { lockRun } from '../record/lock.ts';
import { sampleRecord } from '../record/sample.ts';
import { history, sleep, storeRun, storm, threeNights, trials } from '../testing/history.ts';
import { readStoredRun } from './stored-run.ts';

let results = '';
beforeEach(async () => {
  results = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'results');
});

const sql = async (query: string): Promise<unknown> =>
  JSON.parse((await history(results, 'sql', query, '--format', 'json')).out);

describe('damaged results', () => {
  it('are told, and the good records answer', async () => {
    const dir = await storeRun(results, '2026-11-20', trials(storm, '2026-11-20', [5]));
    const empty = await storeRun(results, '2026-11-21', []);
    const torn = JSON.stringify(sampleRecord({ cell: storm, trial: 77 }));
    await appendFile(
      join(dir, 'records.ndjson'),
      `rubbish\n{"schema":2,"cell":"a"}\n\n[1]\n{"schema":1,"cell":"a","trial":"x"}\n${torn}`,
    );
    await writeFile(join(empty, 'run.json'), 'rubbish');
    const query = 'select count(*)::int as n from trials where counts';
    const { out, err } = await history(results, 'sql', query, '--format', 'json');
    expect(JSON.parse(out)).toEqual([{ n: 5 }]);
    expect(err).toContain('run.json is not the description of a run');
    expect(err).toContain('records.ndjson: 4 lines are no records and were left out');
    expect(err).toContain('records.ndjson: its last line has no end');
    await appendFile(join(dir, 'records.ndjson'), '\n{"schema":1,');
    expect(await sql(query)).toEqual([{ n: 6 }]);
  });

  it('in Parquet are told, and NDJSON is read where there is one', async () => {
    const dir = await storeRun(results, '2026-11-20', trials(storm, '2026-11-20', [5]));
    const other = await storeRun(results, '2026-11-21', trials(storm, '2026-11-21', [5]));
    await history(results, 'compact', '--delete-originals');
    await writeFile(join(dir, 'records.parquet'), 'rubbish');
    const { out, err } = await history(
      results,
      'sql',
      'select run, count(*)::int n from trials group by run',
      '--format',
      'json',
    );
    expect(JSON.parse(out)).toEqual([{ run: '2026-11-21T02-00-00Z-nightly', n: 5 }]);
    expect(err).toContain('records.parquet is damaged or of another format: it is not read');
    await rm(join(other, 'records.parquet'));
    await expect(history(results, 'sql', 'select 1')).rejects.toThrow('holds no run with a record');
  });

  it('of no run at all are an error with what to do', async () => {
    await expect(history(results, 'flaky')).rejects.toMatchObject({
      code: 'results',
      todo: expect.stringContaining('--results'),
    });
  });
});

describe('frostline history compact', () => {
  it('writes each run once, keeps the originals, and again when there are more records', async () => {
    const [first] = await threeNights(results);
    expect((await history(results, 'compact')).out).toMatch(
      /^2026-11-20T02-00-00Z-nightly: 20 records, \d+ KiB to \d+ KiB; the original is kept\n/,
    );
    expect((await readdir(first!)).sort()).toEqual([
      'consoles',
      'records.ndjson',
      'records.parquet',
      'run.json',
    ]);
    expect((await history(results, 'compact')).out).toBe('nothing to compact\n');
    await appendFile(
      join(first!, 'records.ndjson'),
      `${JSON.stringify(sampleRecord({ cell: sleep, trial: 90 }))}\n`,
    );
    const query = `select count(*)::int as n from trials`;
    expect(await sql(query)).toEqual([{ n: 51 }]);
    expect((await history(results, 'compact')).out).toMatch(/^2026-11-20T02-00-00Z-nightly: 21 records/);
    expect(await sql(query)).toEqual([{ n: 51 }]);
  });

  it('deletes originals only when asked to, and only when every line is kept', async () => {
    const [first, second] = await threeNights(results);
    await appendFile(join(first!, 'records.ndjson'), '{"schema":1,');
    await history(results, 'compact');
    const { out, err } = await history(results, 'compact', '--delete-originals');
    expect(out).toContain('the original is deleted');
    expect(err).toContain('is kept: not every line of it is a record');
    expect(await readdir(first!)).toContain('records.ndjson');
    expect(await readdir(second!)).not.toContain('records.ndjson');
    expect(await sql('select count(*)::int as n from trials')).toEqual([{ n: 50 }]);
  });

  it('loses nothing: a run of Parquet alone is reported as before, and can be gone on with', async () => {
    const tool = { name: 'criu-dump', version: 'criu 4.1.1', code: null, ok: false, us: 5, error: 'no' };
    const steps = [{ step: 0, ok: false, us: 7, what: 'expect a', expected: 'FROZEN', found: 'FREEZING' }];
    const blocker = { pid: 7, comm: 'x', state: 'D', wchan: 'w', syscall: null, stack: ['a', 'b'] };
    const blockers = [
      blocker,
      { ...blocker, group: 'inner/deep' },
      { ...blocker, stack: [], unread: true as const, killedThreads: 7 },
    ];
    const records = [
      ...trials(storm, '2026-11-20', [2, 3]),
      sampleRecord({ cell: sleep, tool, outcome: 'not-frozen', frozenUs: null, blockers, thaw: null }),
      sampleRecord({ cell: sleep, trial: 1, outcome: 'failed', steps }),
      sampleRecord({
        cell: sleep,
        trial: 2,
        outcome: 'lab-error',
        reason: 'no boot',
        guest: null,
        guestUs: null,
      }),
    ];
    const dir = await storeRun(results, '2026-11-20', records);
    const { summary } = await readStoredRun(dir);
    await history(results, 'compact', '--delete-originals');
    expect(await readdir(dir)).not.toContain('records.ndjson');
    const { summary: after, findings } = await readStoredRun(dir);
    const byId = (cells: readonly { id: string }[]): unknown[] =>
      cells.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    expect(findings).toEqual([]);
    expect(byId(after.cells)).toEqual(byId(summary.cells));
    await restore(dir);
    const lines = (await readFile(join(dir, 'records.ndjson'), 'utf8')).trim().split('\n');
    const run = '2026-11-20T02-00-00Z-nightly';
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(
      expect.arrayContaining(records.map((record) => ({ ...record, run }))),
    );
    expect(lines).toHaveLength(records.length);
  });

  it('reads what an older frostline has compacted, which kept less of a record', async () => {
    const dir = await storeRun(results, '2026-11-20', trials(storm, '2026-11-20', [2, 3]));
    await storeRun(results, '2026-11-21', trials(storm, '2026-11-21', [4]));
    await history(results, 'compact', '--delete-originals');
    const path = join(dir, 'records.parquet');
    {
      await using database = await openDatabase(new AbortController().signal);
      await database.run(
        `COPY (SELECT * EXCLUDE "window" FROM read_parquet('${path}')) TO '${path}.old' (FORMAT parquet,
         KV_METADATA {frostline: '2', bytes: '0'})`,
      );
    }
    await rename(`${path}.old`, path);
    const query = 'select count(*)::int as n, count("window")::int as windows from trials';
    expect(await sql(query)).toEqual([{ n: 15, windows: 5 }]);
    const { summary, findings } = await readStoredRun(dir);
    expect([findings, summary.records]).toEqual([[], 10]);
    await restore(dir);
    const [line] = (await readFile(join(dir, 'records.ndjson'), 'utf8')).split('\n', 1);
    expect(JSON.parse(line!)).not.toHaveProperty('window');
  });

  it('leaves a run alone that is being written to', async () => {
    const [first] = await threeNights(results);
    await using lock = await lockRun(first!);
    const { err } = await history(results, 'compact');
    expect(err).toContain('2026-11-20T02-00-00Z-nightly is left as it is');
    expect(await readdir(first!)).not.toContain('records.parquet');
    expect(lock).toBeDefined();
  });

  it('writes over what a crash left', async () => {
    const dir = await storeRun(results, '2026-11-20', trials(storm, '2026-11-20', [5]));
    await writeFile(join(dir, 'records.parquet.draft'), 'left by a crash');
    await history(results, 'compact');
    expect((await readdir(dir)).sort()).toEqual([
      'consoles',
      'records.ndjson',
      'records.parquet',
      'run.json',
    ]);
    expect((await stat(join(dir, 'records.parquet'))).size).toBeGreaterThan(100);
  });
});
