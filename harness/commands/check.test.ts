import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { FrostlineError } from '../errors.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';

const good = `name: small
trials: 3
machines: 1
distros:
  debian-12: { driver: qemu, kernel: "deb:bookworm" }
cgroups: [v1, v2]
workloads: [sleep, spin]
strategies:
  single: { preset: single }
  rewrite: { preset: rewrite }
`;

let dir = '';
let file = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  file = join(dir, 'm.yaml');
});

interface Ended {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** Runs a command line; the test's folder is removed from paths in the output. */
async function frostline(words: readonly string[], over: Partial<Io> = {}): Promise<Ended> {
  const stdout = new PassThrough({ highWaterMark: 2 ** 26 });
  const stderr = new PassThrough();
  let code = 0;
  const io: Io = {
    stdout,
    stderr,
    env: {},
    signal: new AbortController().signal,
    setExitCode: (next) => (code = next),
    ...over,
  };
  await createProgram(io, '1.2.3').parseAsync([...words], { from: 'user' });
  const text = (stream: PassThrough): string => String(stream.read() ?? '').replaceAll(`${dir}/`, '');
  return { out: text(stdout), err: text(stderr), code };
}

describe('check', () => {
  it('counts distros and machines that have cells alone', async () => {
    const excluded = 'exclude: [{ distro: "debian-12:cpus=4" }]\n';
    await writeFile(file, good.replace('cgroups:', 'cpus: [1, 4]\ncgroups:') + excluded);
    const { out, code } = await frostline(['check', file]);
    expect(out).toContain('m.yaml: 6 cells, 18 trials, 1 distro, 1 machine');
    expect(code).toBe(0);
  });

  it('says in a line what a sound matrix amounts to', async () => {
    await writeFile(file, good);
    expect(await frostline(['check', file])).toEqual({
      out: 'm.yaml: 6 cells, 18 trials, 1 distro, 1 machine (left out: 2 of rewrite, which is not for v2)\n',
      err: '',
      code: 0,
    });
  });

  it('prints each finding with its line and a caret, and goes on with the next file', async () => {
    await writeFile(file, good.replace('trials', 'trails').replace('spin]', 'spinn]'));
    const other = join(dir, 'other.yaml');
    await writeFile(other, good);
    const { out, err, code } = await frostline(['check', file, other]);
    expect(err.replaceAll(/Known.*/g, '...'))
      .toBe(`m.yaml:2:1: error: Unknown key "trails". Did you mean "trials"? ...
    trails: 3
    ^
m.yaml:7:20: error: Unknown name "spinn". Did you mean "spin"? ...
    workloads: [sleep, spinn]
                       ^
`);
    expect(out).toMatch(/^other\.yaml: 6 cells/);
    expect(code).toBe(2);
  });

  it('only warns of a strategy that no cell uses', async () => {
    await writeFile(file, good.replace('[v1, v2]', '[v2]'));
    const { err, code } = await frostline(['check', file]);
    expect(err).toMatch(/^m\.yaml:10:3: warning: No cell uses "rewrite": it exists for cgroup v1 only\./);
    expect(code).toBe(0);
  });

  it('misses a kernel of your own that is not there', async () => {
    await writeFile(file, good.replace('deb:bookworm', 'path:bzImage'));
    const { out, err, code } = await frostline(['check', file]);
    expect(err).toMatch(/^m\.yaml:5:38: error: There is no kernel image bzImage\./);
    expect({ out, code }).toEqual({ out: '', code: 2 });
    await writeFile(join(dir, 'bzImage'), '');
    expect(await frostline(['check', file])).toMatchObject({ err: '', code: 0 });
  });

  it('cuts very many findings short', async () => {
    await writeFile(file, good + Array.from({ length: 61 }, (_, i) => `k${i}: 1\n`).join(''));
    expect((await frostline(['check', file])).err).toMatch(/\.\.\. and 11 more errors\n$/);
  });

  it.each([
    ['in the file', '"\u001b[31m": 1\n'],
    ['written as escapes', '"\\e[31m": 1\n'],
    ['that turn the text', '"\u202e[31m": 1\n'],
  ])('keeps control characters %s from the terminal', async (_, line) => {
    await writeFile(file, good + line);
    const { err, code } = await frostline(['check', file]);
    expect(err).toContain('\uFFFD[31m');
    expect(err).not.toContain('\u001b');
    expect(err).not.toContain('\u202e');
    expect(code).toBe(2);
  });
});

describe('plan', () => {
  const ids = [
    'debian-12/v1/none/sleep/single',
    'debian-12/v1/none/sleep/rewrite',
    'debian-12/v1/none/spin/single',
    'debian-12/v1/none/spin/rewrite',
    'debian-12/v2/none/sleep/single',
    'debian-12/v2/none/spin/single',
  ];
  beforeEach(() => writeFile(file, good));

  it('lists the ids of the cells, all or chosen ones', async () => {
    expect((await frostline(['plan', file])).out).toBe(`${ids.join('\n')}\n`);
    const chosen = await frostline(['plan', file, '--select', 'workload=spin,strategy=single,rewrite']);
    expect(chosen.out).toBe(`${[ids[2], ids[3], ids[5]].join('\n')}\n`);
  });

  it('is one JSON document', async () => {
    const plan = JSON.parse((await frostline(['plan', file, '--json'])).out) as { cells: { id: string }[] };
    expect(plan).toMatchObject({ schema: 1, matrix: 'small', trials: 3 });
    expect(plan.cells.map(({ id }) => id)).toEqual(ids);
    expect(plan.cells[0]).toEqual({
      id: ids[0],
      distro: 'debian-12',
      cgroup: 'v1',
      runtime: 'none',
      workload: 'sleep',
      strategy: 'single',
    });
  });

  it('says that nothing is selected', async () => {
    expect(await frostline(['plan', file, '--select', 'strategy=rewrite,cgroup=v2'])).toEqual({
      out: '',
      err: 'frostline: no cell of this matrix is selected\n',
      code: 0,
    });
    const { out } = await frostline(['plan', file, '--select', 'strategy=rewrite,cgroup=v2', '--json']);
    expect(JSON.parse(out)).toMatchObject({ cells: [] });
  });

  it('rejects with the findings of a matrix that does not load', async () => {
    await writeFile(file, good.replace('spin]', 'spinn]'));
    const error = await frostline(['plan', file]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FrostlineError);
    expect(error).toMatchObject({ code: 'matrix', exitCode: 2 });
    expect(String(error)).toContain('m.yaml:7:20: error: Unknown name "spinn".');
  });

  describe('of many cells', () => {
    beforeEach(() => {
      const strategies = Array.from({ length: 20_000 }, (_, i) => `  s${i}: { preset: single }\n`).join('');
      return writeFile(file, good + strategies);
    });

    it('waits for a slow reader instead of piling up', async () => {
      let [waiting, most, lines] = [0, 0, 0];
      const stdout = new Writable({
        highWaterMark: 1,
        write(chunk: Buffer, _, done) {
          most = Math.max(most, stdout.writableLength);
          waiting++;
          lines += chunk.toString().split('\n').length - 1;
          // slower than one turn of the event loop, in which the writer would otherwise continue
          setTimeout(done, 3);
        },
      });
      await frostline(['plan', file], { stdout });
      expect(lines).toBe(80_006);
      expect(waiting).toBeGreaterThan(20);
      expect(most).toBeLessThan(128 * 1024);
    });

    it('stops when it is told to', async () => {
      const stop = new AbortController();
      const stdout = new PassThrough();
      stdout.once('data', () => stop.abort());
      await expect(frostline(['plan', file], { stdout, signal: stop.signal })).rejects.toThrow('abort');
    });
  });
});

describe('schema', () => {
  it('prints the file that editors are given', async () => {
    const { out } = await frostline(['schema']);
    expect(out).toBe(await readFile(new URL('../../matrices/schema.json', import.meta.url), 'utf8'));
    expect(JSON.parse(out)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
  });
});
