import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Sampler } from './analyse/sampler.ts';
import { FrostlineError, inOneLine } from './errors.ts';
import type { RunEvent } from './events.ts';
import { planCells } from './plan/cells.ts';
import { Journal } from './record/journal.ts';
import { runMatrix } from './run.ts';
import { matrixOf } from './testing/machines.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

it('tells of a driver that this host lacks what to do about it, in one line, wherever the reason is kept', async () => {
  // a PATH without vagrant
  await symlink('/bin/sh', join(dir, 'sh'));
  vi.stubEnv('PATH', dir);
  const way = '{ driver: vagrant, box: frostline/bookworm }';
  const matrix = matrixOf(`name: test
trials: 2
distros: { one: ${way}, any: { ways: [${way}, ${way.replace('bookworm', 'trixie')}] } }
cgroups: [v2]
workloads: [sleep]
strategies: { any: {} }`);
  const events: RunEvent[] = [];
  await using journal = await Journal.open(join(dir, 'records.ndjson'));
  const problems = await runMatrix({
    ...{ run: 'test', dir, matrix, cells: [...planCells(matrix)], journal, jobs: 1, allowLocal: false },
    ...{ finished: new Set<string>(), lastMachine: 0, sampler: new Sampler(null) },
    ...{ signal: new AbortController().signal, emit: (event: RunEvent) => void events.push(event) },
  });
  const why =
    'The driver `vagrant` needs vagrant, which is not here. scripts/setup-vagrant installs it, with libvirt.';
  expect(problems).toEqual([
    { cell: 'one/v2/none/sleep/any', trials: 2, reason: why },
    {
      cell: 'any/v2/none/sleep/any',
      trials: 2,
      reason: `None of its ways is available. vagrant, frostline/bookworm with libvirt: ${why} vagrant, frostline/trixie with libvirt: ${why}`,
    },
  ]);
  const finished = events.filter((event) => event.kind === 'cell-finished').map(({ reason }) => reason);
  expect(finished).toEqual(problems.map(({ reason }) => reason));
});

it('puts what is and what to do into one line', () => {
  const error = new FrostlineError('m1 did not boot:\n  no disk', { code: 'machine', todo: 'Look\n  here.' });
  expect(inOneLine(error)).toBe('m1 did not boot: no disk Look here.');
  expect(inOneLine(new Error('plain\n'))).toBe('plain');
});
