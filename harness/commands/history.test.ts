import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FrostlineError } from '../errors.ts';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { history, sleep, storeRun, storm, threeNights, trials } from '../testing/history.ts';

let results = '';
beforeEach(async () => {
  results = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'results');
});

const sql = async (query: string): Promise<unknown> =>
  JSON.parse((await history(results, 'sql', query, '--format', 'json')).out);

describe('frostline history trend', () => {
  it('shows the rate of each run with its interval, and marks another kernel', async () => {
    await threeNights(results);
    const { out, err } = await history(results, 'trend', '--cell', '*storm*');
    expect(err).toBe('');
    expect(out).toMatchInlineSnapshot(`
      "debian-12/v1/none/vfork-exec-storm/single
                                                           0%                                    100%
        2026-11-20T02-00-00Z-nightly  5/10 50% [21-79]     |         -----------o-----------         |  6.1.0-55 (qemu, tcg, QEMU 10.0.2)
        2026-11-21T02-00-00Z-nightly  5/10 50% [6-94]      |  ------------------o------------------  |
        2026-11-22T02-00-00Z-nightly  10/10 100% [61-100]  |                         ---------------o|  > 6.1.0-56

      Rates: 95 % interval -, rate o; 0 % on the left, 100 % on the right. Marked >: another kernel than before.
      "
    `);
  });

  it('is the same from Parquet as from NDJSON, and from both mixed', async () => {
    const [first] = await threeNights(results);
    const words = ['trend', '--cell', 'debian-12/*', '--by', 'day', '--format', 'json'];
    const { out } = await history(results, ...words);
    expect(JSON.parse(out)).toHaveLength(5);
    expect(JSON.parse(out)).toMatchObject([
      { cell: sleep, at: '2026-11-20', trials: 10, frozen: 10, boots: 2, rate: 1, releases: ['6.1.0-55'] },
      { cell: sleep, at: '2026-11-21', kernelChanged: false },
      { cell: storm, at: '2026-11-20', frozen: 5, rate: 0.5 },
      { cell: storm, at: '2026-11-21', frozen: 5, rate: 0.5 },
      { cell: storm, at: '2026-11-22', frozen: 10, rate: 1, kernelChanged: true },
    ]);
    await history(results, 'compact');
    expect(await history(results, ...words)).toEqual({ out, err: '' });
    await rm(join(first!, 'records.parquet'));
    expect(await history(results, ...words)).toEqual({ out, err: '' });
    expect(await sql('select source from runs order by run')).toEqual(
      ['ndjson', 'parquet', 'parquet'].map((source) => ({ source })),
    );
  });

  it('begins at a day, and has CSV', async () => {
    await threeNights(results);
    const { out } = await history(
      results,
      'trend',
      '--cell',
      storm,
      '--since',
      '2026-11-22',
      '--format',
      'csv',
    );
    const [head, line, end] = out.split('\r\n');
    expect(head).toBe(
      'cell,at,trials,frozen,rate,low,high,boots,releases,machines,kernelChanged,machinesChanged',
    );
    expect(line).toMatch(
      /^debian-12\/v1\/none\/vfork-exec-storm\/single,2026-11-22T02-00-00Z-nightly,10,10,1,/,
    );
    expect(end).toBe('');
    expect((await history(results, 'trend', '--cell', 'none')).out).toBe(
      'No counted trial of such a cell.\n',
    );
    await expect(history(results, 'trend', '--cell', storm, '--since', 'monday')).rejects.toMatchObject({
      code: 'usage',
    });
  });
});

describe('frostline history flaky', () => {
  it('has cells that do not come out the same on one kernel, and where they differ', async () => {
    await threeNights(results);
    await storeRun(results, '2026-11-23', trials(sleep, '2026-11-23', [0, 0]));
    expect(JSON.parse((await history(results, 'flaky', '--format', 'json')).out)).toMatchObject([
      {
        cell: storm,
        release: '6.1.0-55',
        frozen: 10,
        trials: 20,
        mixedBoots: 2,
        boots: 4,
        varies: 'within a boot',
      },
      { cell: sleep, mixedBoots: 0, mixedRuns: 0, runs: 3, varies: 'between runs' },
    ]);
    const { out } = await history(results, 'flaky', '--since', '2026-11-21');
    expect(out).toMatch(/^frozen +rate +varies/);
    expect(out).toMatch(
      /5\/10 +50% +between boots +0\/2 +1\/1 +debian-12\/v1\/none\/vfork-exec-storm\/single/,
    );
    expect((await history(results, 'flaky', '--since', '2026-11-24')).out).toBe('No cell is flaky.\n');
  });
});

describe('frostline history sql', () => {
  it('answers over trials and runs, with every field of a record', async () => {
    const blocker = {
      pid: 7,
      comm: 'x',
      state: 'D',
      wchan: 'begin_new_exec',
      syscall: 59,
      stack: ['a', 'b'],
    };
    await storeRun(results, '2026-11-20', [
      sampleRecord({
        ...{ cell: storm, outcome: 'not-frozen', frozenUs: null },
        blockers: [blocker],
        tool: { name: 'criu-dump', version: 'criu 4.1.1', code: 1, ok: false, us: 5, error: 'no' },
        parameters: { loops: 4 },
        machine: { ...sampleRecord().machine, template: { clone: '5d1e', failed: null } },
      }),
    ]);
    const query = `select t.*, r.name from trials t join runs r using (run)`;
    const window = '{"phase":"cleanup","facts":[]}';
    const before = await sql(query);
    expect(before).toEqual([
      {
        ...{ run: '2026-11-20T02-00-00Z-nightly', cell: storm, trial: 0, seed: 1 },
        ...{ ended: '2026-11-23T02:00:05.000Z', outcome: 'not-frozen', stands: true, reason: null },
        ...{ frozen_us: null, writes: 1, reads: 2, thaws: 0, states: '[[0,"THAWED"]]' },
        ...{ thaw: 'thawed', thaw_us: 85, casualties: 0 },
        blockers: [{ ...blocker, unread: null, killedThreads: null, group: null }],
        ...{ tool: 'criu-dump', tool_version: 'criu 4.1.1', tool_code: 1, tool_ok: false, tool_us: 5 },
        ...{
          tool_error: 'no',
          parameters: '{"loops":4}',
          steps: null,
          window,
          wall_us: 9000,
          guest_us: 8000,
        },
        ...{ release: '6.1.0-56-cloud-amd64', guest_cgroup: 'v1', cpus: 2, runtime_version: null },
        ...{ machine: 'm3', boot: '6f0c0000-0000-0000-0000-000000000000', driver: 'qemu', accel: 'tcg' },
        ...{ threads: 'multi', qemu: '10.0.2', cpu: 'Nehalem', memory_mib: 512 },
        ...{ userland: null, host: null, image: null, clone: '5d1e', no_clone: null },
        ...{ counts: true, success: false },
        ...{
          distro: 'debian-12',
          cgroup: 'v1',
          runtime: 'none',
          workload: 'vfork-exec-storm',
          strategy: 'single',
        },
        name: 'nightly',
      },
    ]);
    await history(results, 'compact');
    expect(await sql(query)).toEqual(before);
    const { out } = await history(results, 'sql', '--columns');
    for (const name of Object.keys((before as object[])[0]!))
      expect(out).toMatch(new RegExp(`^(trials|runs) +${name} `, 'm'));
  });

  it('counts of several records of a trial the last final one', async () => {
    const again = (outcome: TrialRecord['outcome'], at: string): TrialRecord =>
      sampleRecord({ cell: storm, outcome, at });
    await storeRun(results, '2026-11-20', [
      again('lab-error', '2026-11-20T02:00:01.000Z'),
      again('frozen', '2026-11-20T02:00:02.000Z'),
      again('lab-error', '2026-11-20T02:00:03.000Z'),
    ]);
    const query = 'select outcome, stands, counts from trials order by ended';
    const told = [
      { outcome: 'lab-error', stands: false, counts: false },
      { outcome: 'frozen', stands: true, counts: true },
      { outcome: 'lab-error', stands: false, counts: false },
    ];
    expect(await sql(query)).toEqual(told);
    await history(results, 'compact');
    expect(await sql(query)).toEqual(told);
  });

  it('is bounded on a terminal and whole in CSV', async () => {
    await storeRun(
      results,
      '2026-11-20',
      trials(
        storm,
        '2026-11-20',
        Array.from({ length: 30 }, () => 5),
      ),
    );
    const query = 'select trial, outcome from trials order by trial';
    const { out, err } = await history(results, 'sql', query);
    expect(out.trim().split('\n')).toHaveLength(51);
    expect(err).toBe('100 more rows: --format csv or json has all\n');
    expect((await history(results, 'sql', query, '--format', 'csv')).out.trim().split('\r\n')).toHaveLength(
      151,
    );
    const csv = await history(results, 'sql', `select 'a,"b"' as x, null as y`, '--format', 'csv');
    expect(csv.out).toBe('x,y\r\n"a,""b""",\r\n');
    expect((await history(results, 'sql', 'select 1 as x where false', '--format', 'json')).out).toBe('[]\n');
    expect((await history(results, 'sql', `select chr(27) || '[2J' as x`)).out).toBe('x\n\\x1b[2J\n');
  });

  it('reads nothing but the runs, and writes nothing', async () => {
    const dir = await storeRun(results, '2026-11-20', trials(storm, '2026-11-20', [5]));
    const records = join(dir, 'records.ndjson');
    const before = await readFile(records);
    const elsewhere = join(results, 'stolen.csv');
    for (const query of [
      `select * from read_text('/etc/passwd')`,
      `select * from read_blob('${join(dir, 'run.json')}')`,
      `select * from glob('/etc/*')`,
      `select * from '/etc/passwd'`,
      `copy (select 1) to '${elsewhere}'`,
      `copy (select 1) to '${records}'`,
      `select 1; copy (select 1) to '${records}'`,
      `attach '${elsewhere}'`,
      `set enable_external_access = true`,
      `install httpfs`,
      `drop view trials`,
      `delete from runs`,
      'select',
      '',
    ]) {
      await expect(history(results, 'sql', query)).rejects.toMatchObject({ code: 'usage' });
    }
    expect(await readFile(records)).toEqual(before);
    expect(await readdir(results)).toEqual(['2026-11-20T02-00-00Z-nightly']);
    await expect(history(results, 'sql')).rejects.toBeInstanceOf(FrostlineError);
  });
});
