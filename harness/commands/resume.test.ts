import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createRun } from '../record/runs.ts';
import { nightly, nightlyCell } from '../testing/stored.ts';
import { createProgram } from './program.ts';

/** Creates an interrupted run; resolves with the results folder and the run's folder. */
async function interrupted(text: string, select: string[] = []): Promise<{ results: string; dir: string }> {
  const results = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'results');
  await using run = await createRun(results, {
    name: 'nightly',
    matrix: { file: 'nightly.yaml', text },
    options: { select, shard: null, jobs: null, kernel: null },
    cells: [nightlyCell],
    ...{ trials: 4, version: '0.1.0' },
  });
  await writeFile(run.recordsPath, '');
  await run.update({ status: 'interrupted' });
  return { results, dir: run.dir };
}

async function resume(results: string): Promise<string> {
  const io = { stdout: new PassThrough(), stderr: new PassThrough(), env: {}, setExitCode: () => undefined };
  const program = createProgram({ ...io, signal: new AbortController().signal }, '1.2.3');
  const words = ['node', 'frostline', 'run', '--resume', 'latest', '--results', results];
  return program.parseAsync(words).then(
    () => 'resumed',
    (error: unknown) => String(error),
  );
}

describe('a run that cannot be gone on with stays as it was, and locked by nobody', () => {
  it.each([
    ['its matrix does not load any more', 'trials: many', [], 'does not load any more'],
    ['what was selected is not there any more', nightly, ['distro=gone'], '"gone"'],
  ])('since %s', async (_, text, select, said) => {
    const { results, dir } = await interrupted(text, select);
    const before = await readdir(dir);
    // the second attempt would find the lock of the first
    for (let i = 0; i < 2; i++) expect(await resume(results)).toContain(said);
    expect(await readFile(join(dir, 'run.json'), 'utf8')).toContain('"status": "interrupted"');
    expect(await readdir(dir)).toEqual(before);
  });

  it('since its records cannot be read', async () => {
    const { results, dir } = await interrupted(nightly);
    await rm(join(dir, 'records.ndjson'));
    await mkdir(join(dir, 'records.ndjson'));
    for (let i = 0; i < 2; i++) expect(await resume(results)).toContain('EISDIR');
    expect(await readFile(join(dir, 'run.json'), 'utf8')).toContain('"status": "interrupted"');
  });
});
