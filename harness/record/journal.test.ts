import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { command } from '../base/command.ts';
import { FrostlineError } from '../errors.ts';
import { Journal } from './journal.ts';
import { readRecords, type RecordFinding } from './read.ts';
import { sampleRecord } from './sample.ts';

let dir = '';
let path = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  path = join(dir, 'records.ndjson');
});

async function readTrials(from: string): Promise<{ trials: number[]; findings: RecordFinding[] }> {
  const findings: RecordFinding[] = [];
  const trials: number[] = [];
  for await (const { trial } of readRecords(from, (finding) => findings.push(finding))) trials.push(trial);
  return { trials, findings };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('Journal', () => {
  it('has every record in the file once its append resolves, in order', async () => {
    await using journal = await Journal.open(path);
    await Promise.all(upTo(500).map((trial) => journal.append(sampleRecord({ trial }))));
    expect(await readTrials(path)).toEqual({ trials: upTo(500), findings: [] });
  });

  it('writes what is pending when it is closed, at once', async () => {
    const journal = await Journal.open(path);
    for (const trial of upTo(300)) void journal.append(sampleRecord({ trial }));
    await journal.close();
    expect((await readTrials(path)).trials).toEqual(upTo(300));
    await expect(journal.append(sampleRecord())).rejects.toThrow('closed');
  });

  it('cuts the line torn by a crash before it goes on', async () => {
    const whole = `${JSON.stringify(sampleRecord({ trial: 0 }))}\n`;
    await writeFile(path, whole);
    await appendFile(path, `{"schema":1,${'x'.repeat(200_000)}`);
    await using journal = await Journal.open(path);
    await journal.append(sampleRecord({ trial: 1 }));
    expect(await readTrials(path)).toEqual({ trials: [0, 1], findings: [] });
  });

  it('tells a full disk, keeps what fits and takes no more', async () => {
    const journal = await Journal.open('/dev/full');
    const first = journal.append(sampleRecord());
    await expect(first).rejects.toThrow(/\/dev\/full.*the disk is full \(ENOSPC\); 0 .* are kept/);
    await expect(journal.append(sampleRecord())).rejects.toBeInstanceOf(FrostlineError);
    expect(journal.failed.aborted).toBe(true);
    await expect(journal.close()).rejects.toThrow('ENOSPC');
  });

  it('tells a folder in the way with a sentence', async () => {
    await mkdir(path);
    await expect(Journal.open(path)).rejects.toThrow(/records can no longer be written.*EISDIR/);
  });

  it.runIf(process.getuid?.() === 0)(
    'leaves whole lines, all that were acknowledged, on a disk that fills up (tmpfs; needs root)',
    async () => {
      await command(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'frostline-test', dir]);
      onTestFinished(async () => {
        await command(['umount', '-l', dir]);
      });
      const journal = await Journal.open(path);
      const settled = await Promise.allSettled(
        upTo(400).map((trial) => journal.append(sampleRecord({ trial }))),
      );
      const kept = settled.filter(({ status }) => status === 'fulfilled').length;
      expect(kept).toBeGreaterThan(20);
      expect(kept).toBeLessThan(400);
      await expect(journal.close()).rejects.toThrow(`${kept} of this session are kept`);
      expect(await readTrials(path)).toEqual({ trials: upTo(kept), findings: [] });
      expect((await readFile(path, 'utf8')).endsWith('}\n')).toBe(true);
    },
  );

  it('loses nothing it acknowledged and doubles nothing when its process is killed', async () => {
    const child = `
      import { Journal } from ${JSON.stringify(new URL('journal.ts', import.meta.url).href)};
      import { sampleRecord } from ${JSON.stringify(new URL('sample.ts', import.meta.url).href)};
      const journal = await Journal.open(process.argv[2]);
      const from = Number(process.argv[3]);
      for (let trial = from; ; trial++) {
        const reason = 'x'.repeat(trial % 3000);
        journal.append(sampleRecord({ trial, reason })).then(() => console.log(trial));
        if (trial % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }`;
    const script = join(dir, 'writer.mjs');
    await writeFile(script, child);
    let next = 0;
    for (let round = 0; round < 5; round++) {
      const writer = spawn(process.execPath, ['--import', 'tsx', script, path, String(next)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(writer, 'exit');
      let acknowledged = next - 1;
      const killAfter = Math.floor(Math.random() * 900);
      for await (const line of createInterface({ input: writer.stdout })) {
        acknowledged = Math.max(acknowledged, Number(line));
        if (acknowledged - next >= killAfter) writer.kill('SIGKILL');
      }
      await exited;
      const { trials, findings } = await readTrials(path);
      expect(trials).toEqual(upTo(trials.length));
      expect(trials.length).toBeGreaterThan(acknowledged);
      expect(findings.filter(({ kind }) => kind !== 'torn')).toEqual([]);
      next = trials.length;
    }
    expect(next).toBeGreaterThan(0);
    await rm(dir, { recursive: true, force: true });
  });
});
