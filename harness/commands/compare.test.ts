import { appendFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../record/journal.ts';
import { createRun } from '../record/runs.ts';
import { sampleRecord } from '../record/sample.ts';
import { storeRun, trialsOf } from '../testing/stored.ts';
import { createProgram } from './program.ts';

const matrix = `name: nightly
distros:
  debian-12: { driver: qemu, kernel: "deb:bookworm" }
cgroups: [v1]
workloads: [sleep]
strategies:
  single: { preset: single }
`;
const evil = 'w|<img src=x>\u001b[2J';
const cell = (distro: string, workload: string): string => `${distro}/v1/none/${workload}/single`;

let results = '';
beforeEach(async () => {
  results = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'results');
});

/** Stores a run with five boots of ten trials in each cell; `frozen` says how many froze in each boot. */
async function makeRun(
  day: string,
  frozen: Readonly<Record<string, number>>,
  release: string,
): Promise<string> {
  await using run = await createRun(results, {
    name: 'nightly',
    matrix: { file: 'nightly.yaml', text: matrix },
    options: { select: [], shard: null, jobs: null, kernel: null },
    cells: Object.keys(frozen),
    trials: 50,
    version: '0.1.0',
    startedAt: new Date(`${day}T02:00:00Z`),
  });
  await using journal = await Journal.open(run.recordsPath);
  const { machine, guest } = sampleRecord();
  for (const [id, count] of Object.entries(frozen)) {
    for (let trial = 0; trial < 50; trial++) {
      void journal.append(
        sampleRecord({
          ...{ cell: id, trial, outcome: trial % 10 < count ? 'frozen' : 'not-frozen' },
          machine: { ...machine, boot: `b${Math.floor(trial / 10)}` },
          guest: { ...guest!, release },
        }),
      );
    }
  }
  await run.update({ status: 'finished' });
  return run.dir;
}

async function compare(...words: string[]): Promise<{ out: string; err: string; code: number }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let code = 0;
  const { signal } = new AbortController();
  const io = { stdout, stderr, env: {}, signal, setExitCode: (next: number) => (code = next) };
  const argv = ['node', 'frostline', 'compare', '--results', results, ...words];
  await createProgram(io, '1.2.3').parseAsync(argv);
  return { out: String(stdout.read() ?? ''), err: String(stderr.read() ?? ''), code };
}

describe('frostline compare', () => {
  it('says in its first line what got worse, and fails when asked to', async () => {
    await makeRun('2026-11-20', { [cell('d', 'lost')]: 10, [cell('d', 'kept')]: 10 }, '6.1.0-55');
    await makeRun('2026-11-21', { [cell('d', 'lost')]: 4, [cell('d', 'kept')]: 10 }, '6.1.0-56');
    const told = await compare('2026-11-20');
    expect(told).toMatchObject({ err: '', code: 0 });
    expect(told.out).toMatchInlineSnapshot(`
      "Worse: 1 of 2 rates. The others: 1 the same within 20 points.
      base 2026-11-20T02-00-00Z-nightly
      head 2026-11-21T02-00-00Z-nightly

      Changed
               cell                   base                 head               difference, points  p
        worse  d/v1/none/lost/single  50/50 100% [85-100]  20/50 40% [27-55]  -60 [-73 to -39]    0.000080

      Changed besides
        kernel of d: 6.1.0-55, then 6.1.0-56

      Method
        Worse and better: p of at most 0.05, by a t test of clustered proportions whose unit is the boot (Donner and Klar 2000), corrected for all rates by Holm (1979). Same: the 95 % interval of the difference (Newcombe 1998, method 10, on intervals that know of boots) is within 20 points; 20 is --margin. Undecided: neither; more boots would tell.
      "
    `);
    expect((await compare('nightly~1', 'nightly', '--fail-on', 'worse')).code).toBe(1);
    expect((await compare('latest', 'latest~1', '--fail-on', 'worse')).code).toBe(0);
    expect((await compare('latest~1', 'latest', '--fail-on', 'worse', '--margin', '90')).code).toBe(0);
  });

  it('is a comment for a pull request in Markdown, whatever names there are', async () => {
    await makeRun('2026-11-20', { [cell('d', evil)]: 10, [cell('d', 'kept')]: 10, old: 1 }, '6.1.0-55');
    await makeRun('2026-11-21', { [cell('d', evil)]: 4, [cell('d', 'kept')]: 10, new: 1 }, '6.1.0-56');
    expect((await compare('latest~1', '--format', 'markdown')).out).toMatchInlineSnapshot(`
      "**Worse: 1 of 2 rates. The others: 1 the same within 20 points.**

      2026-11-20T02-00-00Z-nightly, then 2026-11-21T02-00-00Z-nightly

      |  | cell | base | head | difference, points | p |
      | --- | --- | --- | --- | --- | --- |
      | **worse** | d/v1/none/w\\|&lt;img src=x&gt;\\\\x1b\\[2J/single | 50/50 100% \\[85-100\\] | 20/50 40% \\[27-55\\] | -60 \\[-73 to -39\\] | 0.000080 |

      Changed besides:

      - kernel of d: 6.1.0-55, then 6.1.0-56

      <details><summary>1 rate undecided or the same</summary>

      |  | cell | base | head | difference, points | p |
      | --- | --- | --- | --- | --- | --- |
      | same | d/v1/none/kept/single | 50/50 100% \\[85-100\\] | 50/50 100% \\[85-100\\] | 0 \\[-15 to +15\\] | 1.00 |

      </details>

      <details><summary>New cells (1)</summary>

      - new

      </details>

      <details><summary>Cells that are gone (1)</summary>

      - old

      </details>

      <sub>Worse and better: p of at most 0.05, by a t test of clustered proportions whose unit is the boot (Donner and Klar 2000), corrected for all rates by Holm (1979). Same: the 95 % interval of the difference (Newcombe 1998, method 10, on intervals that know of boots) is within 20 points; 20 is --margin. Undecided: neither; more boots would tell.</sub>
      "
    `);
  });

  it('stays below the length of a comment with hundreds of cells', async () => {
    const cells = (count: number): Record<string, number> =>
      Object.fromEntries(
        Array.from({ length: 300 }, (_, i) => [cell(`distro-${i}`, 'workload'), (i + count) % 11]),
      );
    await makeRun('2026-11-20', cells(0), '6.1.0-55');
    await makeRun('2026-11-21', cells(5), '6.1.0-56');
    const { out } = await compare('latest~1', '--format', 'markdown');
    expect(out.length).toBeGreaterThan(10_000);
    expect(out.length).toBeLessThan(65_536);
    expect(out).toMatch(/and \d+ more/);
  });

  it('is JSON with every figure', async () => {
    await makeRun('2026-11-20', { [cell('d', 'lost')]: 10, [cell('d', 'gone')]: 10 }, '6.1.0-55');
    await makeRun('2026-11-21', { [cell('d', 'lost')]: 4, [cell('d', 'new')]: 10 }, '6.1.0-56');
    expect(JSON.parse((await compare('latest~1', '--format', 'json')).out)).toMatchObject({
      ...{ schema: 1, verdict: 'Worse: 1 of 1 rate.', margin: 0.2 },
      ...{ base: '2026-11-20T02-00-00Z-nightly', head: '2026-11-21T02-00-00Z-nightly' },
      counts: { worse: 1, better: 0, same: 0, undecided: 0 },
      cells: [
        {
          ...{ cell: cell('d', 'lost'), of: 'frozen', change: 'worse', difference: expect.closeTo(-0.6) },
          base: { frozen: 50, trials: 50, boots: 5, rate: 1 },
          head: { frozen: 20, trials: 50, boots: 5, rate: 0.4 },
        },
      ],
      ...{ added: [cell('d', 'new')], gone: [cell('d', 'gone')] },
      facts: [{ what: 'kernel', of: 'd', base: '6.1.0-55', head: '6.1.0-56' }],
    });
  });

  it('holds a distro against another, and refuses one that is not there', async () => {
    await makeRun('2026-11-20', { [cell('old', 'w')]: 10, [cell('new', 'w')]: 2 }, '6.1.0-55');
    const { out } = await compare('latest', 'latest', '--distro', 'old=new');
    expect(out).toMatch(/^Worse: 1 of 1 rate\.\n/);
    await expect(compare('latest', 'latest', '--distro', 'older=new')).rejects.toMatchObject({
      ...{ code: 'usage', message: expect.stringContaining('has no distro "older"') },
      todo: 'It has old, new.',
    });
    await expect(compare('latest', 'latest', '--margin', 'ten')).rejects.toMatchObject({ code: 'usage' });
  });

  it('tells of damage, and of runs that have nothing in common', async () => {
    const dir = await makeRun('2026-11-20', { [cell('a', 'w')]: 10 }, '6.1.0-55');
    await makeRun('2026-11-21', { [cell('b', 'w')]: 10 }, '6.1.0-56');
    await appendFile(join(dir, 'records.ndjson'), '{"schema":1,');
    const { out, err, code } = await compare('latest~1', 'latest', '--fail-on', 'worse');
    expect(out).toMatch(/^Nothing to compare/);
    expect(err).toContain('torn');
    expect(code).toBe(69);
  });
});

describe('compare --earlier', () => {
  const [kept, lost] = [cell('d', 'kept'), cell('d', 'lost')];

  /** A run of both cells in which the second has only `trials` trials. */
  const night = (day: string, trials: number, frozen = 50): Promise<string> =>
    storeRun(results, {
      ...{ matrix, cells: [kept, lost], trials: 50, startedAt: new Date(`${day}T02:00:00Z`) },
      records: [
        ...trialsOf(kept, 50),
        ...trialsOf(lost, trials, (trial) => ({ outcome: trial < frozen ? 'frozen' : 'not-frozen' })),
      ],
    });
  const earlier = ['--earlier', '2026-11-21', '--earlier', '2026-11-20', '--fail-on', 'worse'];

  it('holds each cell against the newest run that measured it to the end', async () => {
    await night('2026-11-20', 50);
    await night('2026-11-21', 3, 0);
    await night('2026-11-22', 0);
    await night('2026-11-23', 50, 10);
    // without --earlier the cell has no base, or one of three trials
    expect(await compare('2026-11-22', 'latest', '--fail-on', 'worse')).toMatchObject({ code: 0 });
    expect((await compare('2026-11-21', 'latest')).out).toMatch(/^Nothing got worse/);
    const { out, code } = await compare('2026-11-22', 'latest', ...earlier);
    expect(out).toMatch(/^Worse: 1 of 2 rates\./);
    expect(out).toContain(
      'base 2026-11-22T02-00-00Z-nightly\n     for 1 cell without a whole value there: 2026-11-20T02-00-00Z-nightly\nhead',
    );
    expect(code).toBe(1);
    const markdown = await compare('2026-11-22', 'latest', ...earlier, '--format', 'markdown');
    expect(markdown.out).toContain(
      'without a whole value there: 2026-11-20T02-00-00Z-nightly, then 2026-11-23',
    );
    const json = await compare('2026-11-22', 'latest', ...earlier, '--format', 'json');
    expect(JSON.parse(json.out)).toMatchObject({
      earlier: [{ run: '2026-11-20T02-00-00Z-nightly', cells: [lost] }],
    });
  });

  it('asks for no more runs than it needs', async () => {
    const broken = await night('2026-11-20', 50);
    await appendFile(join(broken, 'records.ndjson'), 'rubbish\n');
    await night('2026-11-21', 50);
    await night('2026-11-22', 0);
    await night('2026-11-23', 50);
    expect(await compare('2026-11-22', 'latest', ...earlier)).toMatchObject({ err: '', code: 0 });
  });
});

it('a kernel that crashes where it never did is worse, however many froze', async () => {
  const id = cell('d', 'w');
  const of = (day: string, crashes: number): Promise<string> =>
    storeRun(results, {
      ...{ matrix, cells: [id], trials: 20, startedAt: new Date(`${day}T02:00:00Z`) },
      records: trialsOf(id, 20, (trial) =>
        trial < crashes ? { outcome: 'kernel-crash', frozenUs: null, thaw: null, reason: 'a panic' } : {},
      ),
    });
  await of('2026-11-20', 0);
  await of('2026-11-21', 1);
  await of('2026-11-22', 2);
  const { out, code } = await compare('latest~2', 'latest~1', '--fail-on', 'worse');
  expect(out).toMatch(/^Worse: 1 of 1 rate\./);
  expect(out).toContain('kernel crash in 0, then 1');
  expect(code).toBe(1);
  expect((await compare('latest~1', 'latest', '--fail-on', 'worse')).code).toBe(0);
});
