import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../record/journal.ts';
import { createRun } from '../record/runs.ts';
import { sampleRecord } from '../record/sample.ts';
import { createProgram } from './program.ts';

const cells = ['debian-12/v1/none/mt-exec-storm/single', 'debian-12/v1/none/sleep/single'];
let results = '';

beforeEach(async () => {
  results = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'results');
  await using run = await createRun(results, {
    name: 'n',
    matrix: { file: 'n.yaml', text: 'name: n\n' },
    options: { select: [], shard: null, jobs: null, kernel: null },
    cells,
    trials: 1,
    version: '0.1.0',
  });
  await using journal = await Journal.open(run.recordsPath);
  const comm = '\u001b[31mevil';
  const stack = ['begin_new_exec+0x1/0x2', 'load_elf_binary+0x1/0x2'];
  const blockers = [
    { pid: 1, comm, state: 'D', wchan: 'begin_new_exec', syscall: 59, stack, group: 'inner' },
  ];
  void journal.append(sampleRecord({ cell: cells[0]!, outcome: 'not-frozen', frozenUs: null, blockers }));
  void journal.append(sampleRecord({ cell: cells[1]! }));
});

async function explain(...words: string[]): Promise<string> {
  const stdout = new PassThrough();
  const io = {
    ...{ stdout, stderr: new PassThrough(), env: {}, signal: new AbortController().signal },
    setExitCode: () => undefined,
  };
  await createProgram(io, '0.1.0').parseAsync(['explain', ...words, '--results', results], { from: 'user' });
  return String(stdout.read());
}

describe('explain', () => {
  it('says what held a cell, and what helps; nothing of the guest acts on the terminal', async () => {
    const said = await explain();
    expect(said).toContain('mt-exec-storm/single (6.1.0-56-cloud-amd64): 1 of 1 trial did not freeze');
    expect(said).toContain('1 most likely by a multi-threaded exec');
    expect(said).toContain('seen: \\x1b[31mevil in the group inner, in D: begin_new_exec < load_elf_binary');
    expect(said).toContain('Thaw for some milliseconds');
    expect(said).not.toContain('\u001b');
  });

  it('is of the cells that are named', async () => {
    expect(await explain('latest', '*/sleep/*')).toContain('nothing to explain');
    expect(await explain('latest', cells[0]!, '--format', 'json')).toContain('"key": "exec"');
    await expect(explain('latest', 'nosuch/*')).rejects.toThrow('has no cell "nosuch/*"');
  });
});
