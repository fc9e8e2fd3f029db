import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack, type Header } from 'tar-stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { summarise } from '../analyse/summarise.ts';
import { cellName, type CellSummary } from '../analyse/summary.ts';
import { Journal } from '../record/journal.ts';
import { createRun } from '../record/runs.ts';
import { sampleRecord } from '../record/sample.ts';
import { openBundle } from './bundle.ts';
import { createProgram } from './program.ts';
import { verdict } from './repro.ts';
import { findSubject } from './subject.ts';

const matrix = (way: string): string => `name: nightly
trials: 4
machines: 2
distros: { d: { ${way} } }
cgroups: [v1, v2]
workloads: [sleep]
strategies: { single: { preset: single } }
`;
const cells = ['d/v1/none/sleep/single', 'd/v2/none/sleep/single'];
const kernel = { name: 'linux-image-6.1.0-56-cloud-amd64 6.1.192-2', sha256: 'a'.repeat(64) };

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
});

async function makeRun(way: string): Promise<string> {
  await using run = await createRun(join(dir, 'results'), {
    name: 'nightly',
    matrix: { file: '/there/nightly.yaml', text: matrix(way) },
    options: { select: [], shard: null, jobs: null, kernel: null },
    ...{ cells, trials: 4, version: '0.1.0' },
  });
  await using journal = await Journal.open(run.recordsPath);
  for (const cell of cells)
    for (let trial = 0; trial < 4; trial++)
      void journal.append(sampleRecord({ cell, trial, outcome: trial > 0 ? 'frozen' : 'not-frozen' }));
  await run.update({ status: 'finished', kernels: { d: kernel } });
  return run.dir;
}

async function repro(...words: string[]): Promise<{ out: string; code: number }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let code = 0;
  const { signal } = new AbortController();
  const io = { stdout, stderr, env: {}, signal, setExitCode: (next: number) => (code = next) };
  const argv = ['node', 'frostline', 'repro', '--results', join(dir, 'results'), ...words];
  await createProgram(io, '1.2.3').parseAsync(argv);
  return { out: String(stdout.read() ?? ''), code };
}

const debian = 'driver: qemu, kernel: "deb:bookworm"';

describe('what is measured again', () => {
  it('is one cell with the very version of its kernel', async () => {
    const { matrix: one, cell } = await findSubject(await makeRun(debian), '*/v2/*', {});
    expect(cell.id).toBe('d/v2/none/sleep/single');
    expect(one.name).toBe('nightly-repro');
    expect(one.distros.get('d')!.ways[0]).toMatchObject({
      kernel: { text: 'deb:bookworm/linux-image-6.1.0-56-cloud-amd64=6.1.192-2' },
    });
    const other = await findSubject(await makeRun(debian), '*/v2/*', { anyKernel: true, trials: 9 });
    expect(other.matrix.distros.get('d')!.ways[0]).toMatchObject({ kernel: { text: 'deb:bookworm' } });
    expect(other.matrix.trials).toBe(9);
  });

  it.each([
    ['d/v3/*', 'has no cell "d/v3/*"'],
    ['*', '2 cells of'],
  ])('is not told by %s', async (name, message) => {
    await expect(findSubject(await makeRun(debian), name, {})).rejects.toThrow(message);
  });

  it('is no file that is none of ours', async () => {
    await expect(repro('latest')).rejects.toThrow('No cell of "latest" is named');
    await expect(repro(join(import.meta.dirname, 'repro.ts'))).rejects.toThrow('is no bundle of frostline');
  });
});

/** Four trials in two boots, of which `frozen` froze; the last `lost` ones lost the kernel. */
async function summaryOf(frozen: number, lost = 0): Promise<CellSummary> {
  const run = { id: 'r', name: 'n', started: null, status: 'finished', trials: 4, lab: null } as const;
  const records = [0, 1, 2, 3].map((trial) =>
    sampleRecord({
      ...{ cell: cells[0]!, trial },
      outcome: trial < frozen ? 'frozen' : trial < 4 - lost ? 'not-frozen' : 'kernel-crash',
      reason: trial < 4 - lost ? null : 'a panic',
      machine: { ...sampleRecord().machine, boot: `b${trial % 2}` },
    }),
  );
  return (await summarise({ run, cells: [cellName(cells[0]!)], records })).cells[0]!;
}

describe('the verdict', () => {
  const info = { run: 'then' } as Parameters<typeof verdict>[0]['info'];
  const tell = async (then: number, now: number, kernelNow = kernel) =>
    verdict({ info, cell: await summaryOf(then), kernel }, await summaryOf(now), kernelNow);

  it.each([
    [2, 3, 0, 'Reproduced: it failed again.'],
    [
      2,
      4,
      1,
      'Not reproduced: it froze in every trial; at the former rate that happens in 6.3 % of such runs.',
    ],
    [4, 4, 0, 'As then: it froze in every trial.'],
    [4, 1, 1, 'Not as then: it fails now.'],
  ])('of %i of 4 and then %i of 4 is %i', async (then, now, code, words) => {
    const said = await tell(then, now);
    expect(said.code).toBe(code);
    expect(said.lines.at(-1)).toContain(words);
    expect(said.lines.at(-1)).toContain(' points [');
  });

  it.each([
    [4, 4, 0, 'Reproduced: the kernel was lost again.'],
    [1, 4, 0, 'Reproduced: the kernel was lost again.'],
    [4, 0, 1, 'Not reproduced: the kernel neither crashed nor hung.'],
    [0, 1, 1, 'Not as then: the kernel is lost now.'],
  ])('of %i crashes of 4 and then %i is %i', async (then, now, code, words) => {
    const [before, after] = [await summaryOf(0, then), await summaryOf(0, now)];
    const said = verdict({ info, cell: before, kernel }, after, kernel);
    expect([said.code, said.lines.at(-1)]).toEqual([code, words]);
  });

  it('says when it is another kernel', async () => {
    expect((await tell(2, 2)).lines[3]).toContain('the same kernel image');
    const other = { name: 'linux-image-6.1.0-57-cloud-amd64 6.1.200-1', sha256: 'b'.repeat(64) };
    expect((await tell(2, 2, other)).lines[3]).toContain('ANOTHER KERNEL');
  });
});

describe('a bundle', () => {
  it('is a run with that cell alone, and says what it is', async () => {
    const run = await makeRun(debian);
    const file = join(dir, 'out.tar');
    expect((await repro(run, '*/v1/*', '--bundle', file)).out).toContain(
      '4 records of d/v1/none/sleep/single',
    );
    await using bundle = await openBundle(file);
    const { cell, matrix: one, kernel: booted } = await findSubject(bundle.dir, '*', {});
    expect([cell.id, cell.frozen, cell.trials]).toEqual(['d/v1/none/sleep/single', 3, 4]);
    expect(one.trials).toBe(4);
    expect(booted).toEqual(kernel);
    await expect(repro(run, '*/v1/*', '--bundle', '/nowhere/out.tar')).rejects.toThrow('cannot be written');
  });

  it('that wants a host of the user is refused', async () => {
    const run = await makeRun('driver: ssh, host: victim');
    const file = join(dir, 'out.tar');
    await repro(run, '*/v1/*', '--bundle', file);
    await expect(repro(file)).rejects.toThrow('wants the driver ssh, which reaches beyond a virtual machine');
  });

  it.each<[string, readonly (readonly [Partial<Header> & { name: string }, string])[]]>([
    [
      'paths that lead out of it',
      [
        [{ name: '../../run.json' }, '{}'],
        [{ name: '/tmp/records.ndjson' }, ''],
      ],
    ],
    [
      'links',
      [
        [{ name: 'b/run.json', type: 'symlink', linkname: '/etc/passwd' }, ''],
        [{ name: 'b/records.ndjson' }, ''],
      ],
    ],
    [
      'devices',
      [
        [{ name: 'b/run.json', type: 'character-device' }, ''],
        [{ name: 'b/records.ndjson' }, ''],
      ],
    ],
    ['nothing', []],
  ])('with %s is none, and leaves nothing behind', async (_, entries) => {
    const before = await readdir(tmpdir());
    const file = join(dir, 'evil.tar');
    const tar = pack();
    const written = pipeline(tar, createWriteStream(file));
    for (const [header, text] of entries) tar.entry(header, text);
    tar.finalize();
    await written;
    await expect(openBundle(file)).rejects.toThrow('is no bundle of frostline');
    const left = (await readdir(tmpdir())).filter((name) => !before.includes(name));
    expect(left.filter((name) => name.startsWith('frostline-repro-'))).toEqual([]);
    expect(await readFile('/etc/passwd', 'utf8')).toContain('root');
  });
});
