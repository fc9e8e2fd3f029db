import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { processStart } from '../base/owner.ts';
import { readInfo } from './info.ts';
import { isLocked, lockRun } from './lock.ts';
import { consolesOf, createRun, listRuns, openRun, resolveRun, type NewRun } from './runs.ts';

let results = '';
beforeEach(async () => {
  results = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'results');
});

const newRun = (change: Partial<NewRun> = {}): NewRun => ({
  name: 'nightly',
  matrix: { file: 'm.yaml', text: 'name: nightly' },
  options: { select: [], shard: null, jobs: null, kernel: null },
  cells: ['a/v1/none/sleep/single'],
  trials: 8,
  version: '0.1.0',
  startedAt: new Date('2026-11-23T02:00:00.123Z'),
  ...change,
});

describe('runs', () => {
  it('are named by start and matrix, also when two start in one second', async () => {
    await using first = await createRun(results, newRun());
    await using second = await createRun(results, newRun());
    await using odd = await createRun(results, newRun({ name: '../Ünï/code' }));
    expect(first.id).toBe('2026-11-23T02-00-00Z-nightly');
    expect(second.id).toBe('2026-11-23T02-00-00Z-nightly-2');
    expect(odd.id).toBe('2026-11-23T02-00-00Z-n-code');
    expect(await listRuns(results)).toEqual([odd.id, first.id, second.id].sort());
  });

  it('keep their description through updates that overlap', async () => {
    await using run = await createRun(results, newRun());
    await Promise.all([run.update({ lab: 'tcg' }), run.update({ status: 'finished' })]);
    expect(await readInfo(run.dir)).toEqual(run.info);
    expect(run.info).toMatchObject({ lab: 'tcg', status: 'finished', run: run.id, trials: 8 });
    expect((await readdir(run.dir)).sort()).toEqual(['consoles', 'lock', 'run.json']);
  });

  it('have the folder of consoles before any machine boots, also those that are gone on with', async () => {
    const run = await createRun(results, newRun());
    expect(await readdir(consolesOf(run.dir))).toEqual([]);
    await run[Symbol.asyncDispose]();
    await rm(consolesOf(run.dir), { recursive: true });
    await using again = await openRun(run.dir);
    expect(await readdir(consolesOf(again.dir))).toEqual([]);
  });

  it('are found by latest, by name, by beginning, and by path', async () => {
    for (const [hour, name] of [
      ['01', 'quick'],
      ['02', 'nightly'],
      ['03', 'release'],
    ] as const) {
      const run = await createRun(
        results,
        newRun({ name, startedAt: new Date(`2026-11-23T${hour}:00:00Z`) }),
      );
      await run[Symbol.asyncDispose]();
    }
    await mkdir(join(results, 'notes'));
    const at = (id: string): string => join(results, id);
    expect(await resolveRun(results, 'latest')).toBe(at('2026-11-23T03-00-00Z-release'));
    expect(await resolveRun(results, 'latest~2')).toBe(at('2026-11-23T01-00-00Z-quick'));
    expect(await resolveRun(results, 'nightly')).toBe(at('2026-11-23T02-00-00Z-nightly'));
    expect(await resolveRun(results, '2026-11-23T02')).toBe(at('2026-11-23T02-00-00Z-nightly'));
    expect(await resolveRun('elsewhere', at('2026-11-23T02-00-00Z-nightly'))).toContain('T02-00-00Z-nightly');
    await expect(resolveRun(results, 'nightli')).rejects.toMatchObject({
      message: expect.stringContaining('is called "nightli"; it holds 3'),
      todo: expect.stringMatching(/^Nearest: 2026-11-23T02-00-00Z-nightly, /),
    });
    await expect(resolveRun(results, 'latest~3')).rejects.toThrow('it holds 3');
    await expect(resolveRun(join(results, 'none'), 'latest')).rejects.toThrow('holds no run');
  });

  it('are found by day, by matrix, and by how many runs before', async () => {
    for (const [started, name] of [
      ['2026-11-19T02:00:00Z', 'nightly'],
      ['2026-11-20T02:00:00Z', 'nightly'],
      ['2026-11-20T02:00:00Z', 'nightly'],
      ['2026-11-20T09:00:00Z', 'quick'],
      ['2026-11-22T02:00:00Z', 'nightly'],
      ['2026-11-22T08:00:00Z', 'criu-4.1'],
    ] as const) {
      const run = await createRun(results, newRun({ name, startedAt: new Date(started) }));
      await run[Symbol.asyncDispose]();
    }
    const found = async (name: string): Promise<string> => basename(await resolveRun(results, name));
    expect(await found('2026-11-20')).toBe('2026-11-20T09-00-00Z-quick');
    expect(await found('2026-11-20~1')).toBe('2026-11-20T02-00-00Z-nightly-2');
    expect(await found('nightly')).toBe('2026-11-22T02-00-00Z-nightly');
    expect(await found('nightly~1')).toBe('2026-11-20T02-00-00Z-nightly-2');
    expect(await found('nightly~3')).toBe('2026-11-19T02-00-00Z-nightly');
    expect(await found('criu-4.1')).toBe('2026-11-22T08-00-00Z-criu-4.1');
    expect(await found('2026-11-22T02')).toBe('2026-11-22T02-00-00Z-nightly');
    for (const name of ['2026-11-21', 'nightly~4', '2026-11-19~1', 'latest~6', '2026-11-2']) {
      await expect(found(name)).rejects.toThrow(`is called "${name}"`);
    }
  });

  it('say what is wrong with a damaged description', async () => {
    await using run = await createRun(results, newRun());
    await writeFile(join(run.dir, 'run.json'), '{"schema":1');
    await expect(readInfo(run.dir)).rejects.toMatchObject({ code: 'results' });
  });

  it('reject a results folder that cannot be made', async () => {
    await writeFile(results, '');
    await expect(createRun(results, newRun())).rejects.toMatchObject({ code: 'results' });
  });
});

describe('locks', () => {
  it('keep a second controller out and name the first', async () => {
    const run = await createRun(results, newRun());
    await expect(openRun(run.dir)).rejects.toThrow(`being written by process ${process.pid}`);
    expect(await isLocked(run.dir)).toBe(true);
    await run[Symbol.asyncDispose]();
    expect(await isLocked(run.dir)).toBe(false);
    await using again = await openRun(run.dir);
    expect(again.info.status).toBe('running');
  });

  it('of a dead process, and one that a crash left empty, are taken over by exactly one', async () => {
    await using run = await createRun(results, newRun());
    const lock = join(run.dir, 'lock');
    const mine = JSON.parse(await readFile(lock, 'utf8')) as object;
    const child = spawn('sleep', ['60']);
    const start = processStart(child.pid!);
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (const left of [JSON.stringify({ ...mine, pid: child.pid, start }), '']) {
      await writeFile(lock, left);
      const taken = await Promise.allSettled(Array.from({ length: 20 }, () => lockRun(run.dir)));
      expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await readdir(run.dir)).toEqual(['consoles', 'lock', 'run.json']);
    }
  });

  it('that cannot be made say why', async () => {
    await expect(lockRun('/sys')).rejects.toMatchObject({
      message: expect.stringMatching(/^\/sys cannot be locked for writing \(E/),
      code: 'results',
    });
  });

  it('of another host are never taken over', async () => {
    await using run = await createRun(results, newRun());
    await writeFile(join(run.dir, 'lock'), JSON.stringify({ pid: 1, start: 1, host: 'far', boot: 'x' }));
    await expect(lockRun(run.dir)).rejects.toMatchObject({
      message: expect.stringContaining('on host far'),
      todo: expect.stringContaining('remove'),
    });
  });
});
