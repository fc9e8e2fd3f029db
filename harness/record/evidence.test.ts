import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Evidence } from './evidence.ts';
import { sampleRecord } from './sample.ts';

it('keeps the first failures of each cell, with all that tells why', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  await mkdir(join(dir, 'consoles'));
  await writeFile(join(dir, 'consoles', 'm1.log'), `${'x'.repeat(100_000)}the end\n`);
  const evidence = new Evidence(dir);
  expect(Array.from({ length: 5 }, () => evidence.wants('a'))).toEqual([true, true, true, false, false]);
  expect(evidence.wants('b')).toBe(true);

  const states: [number, string][] = [
    [394, 'THAWED'],
    [1330, 'FREEZING'],
  ];
  const stack = ['begin_new_exec', 'load_elf_binary'];
  const blockers = [{ pid: 7, comm: 'w', state: 'D', wchan: 'begin_new_exec', syscall: 59, stack }];
  const record = sampleRecord({
    cell: 'd/v1/none/w/s',
    trial: 4,
    outcome: 'not-frozen',
    frozenUs: null,
    states,
    blockers,
  });
  await evidence.keep(
    { ...record, machine: { ...record.machine, id: 'm1' } },
    {
      outcome: { looks: [{ us: 0, blockers }], logs: new Map([['dump.log', 'no']]) },
      said: new Map([['dmesg.txt', '[1.0] hung']]),
    },
  );
  const folder = join(dir, 'evidence/d/v1/none/w/s/4');
  expect(await readdir(folder)).toEqual([
    ...['blockers.json', 'console.txt', 'dmesg.txt', 'dump.log', 'record.json', 'timeline.txt'],
  ]);
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  expect(await read('timeline.txt')).toMatch(/ 0\.394 ms {2}THAWED\n +1\.330 ms {2}FREEZING\nnot-frozen: /);
  expect(JSON.parse(await read('blockers.json'))).toEqual([
    { us: 0, blockers },
    { us: null, blockers },
  ]);
  expect((await read('console.txt')).length).toBe(64 * 1024);
  expect(await read('console.txt')).toMatch(/the end\n$/);
  expect(await read('dump.log')).toBe('no');
});
