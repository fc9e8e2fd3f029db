import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrostlineError } from '../errors.ts';
import { capture, command, killGroup } from './command.ts';
import { until, within } from './deadline.ts';
import { makeFolder, placeFile } from './files.ts';
import { boundedLines, cutMark } from './lines.ts';
import { isAlive, processStart, self } from './owner.ts';
import { Scope } from './scope.ts';
import { toTarget, withoutSecrets } from './url.ts';

describe('boundedLines', () => {
  const collect = async (chunks: readonly Buffer[], max: number): Promise<string[]> => {
    const lines: string[] = [];
    for await (const line of boundedLines(Readable.from(chunks) as AsyncIterable<Buffer>, max))
      lines.push(line);
    return lines;
  };

  it('gives the same lines however the bytes are cut up', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ unit: 'grapheme' }).map((s) => s.replaceAll('\n', ' ')),
          { minLength: 1 },
        ),
        fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
        async (lines, sizes) => {
          const bytes = Buffer.from(`${lines.join('\n')}\n`);
          const chunks: Buffer[] = [];
          for (let at = 0; at < bytes.length;) {
            const size = sizes.next().value as number;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(await collect(chunks, 1e6)).toEqual(lines);
        },
      ),
    );
  });

  it('cuts a line that is too long and goes on with the next', async () => {
    const chunks = [Buffer.from('a'.repeat(70)), Buffer.from('a'.repeat(70)), Buffer.from('\nshort\n')];
    expect(await collect(chunks, 100)).toEqual(['a'.repeat(100) + cutMark, 'short']);
  });
});

describe('deadlines', () => {
  it('name what was waited for', async () => {
    const never = new Promise<never>(() => undefined);
    await expect(within({ ms: 20, what: 'm1: booting' }, never)).rejects.toThrow(
      'm1: booting: not within 0.02 s',
    );
  });

  it('end with the reason of an abort', async () => {
    const stop = new AbortController();
    const waiting = until({ ms: 10_000, what: 'x', signal: stop.signal }, 5, () => undefined);
    stop.abort(new Error('told to stop'));
    await expect(waiting).rejects.toThrow('told to stop');
  });

  it('poll until there is a value', async () => {
    let calls = 0;
    expect(await until({ ms: 5000, what: 'x' }, 1, () => (++calls === 3 ? 'there' : undefined))).toBe(
      'there',
    );
  });
});

describe('Scope', () => {
  it('undoes in reverse order, all of it even when one fails', async () => {
    const order: number[] = [];
    const scope = new Scope();
    scope.defer(() => order.push(1));
    scope.defer(() => {
      throw new Error('second');
    });
    scope.defer(() => order.push(3));
    await expect(scope[Symbol.asyncDispose]()).rejects.toThrow('second');
    expect(order).toEqual([3, 1]);
  });
});

describe('owners', () => {
  it('tell a live process from a dead one and from another with its pid', async () => {
    expect(isAlive(self())).toBe(true);
    expect(isAlive({ pid: process.pid, start: self().start + 1 })).toBe(false);
    const child = spawn('sleep', ['60']);
    const start = processStart(child.pid!)!;
    expect(isAlive({ pid: child.pid!, start })).toBe(true);
    child.kill();
    await once(child, 'exit');
    expect(isAlive({ pid: child.pid!, start })).toBe(false);
  });
});

describe('commands', () => {
  it('pass arguments as they are, with no shell between', async () => {
    expect(await command(['printf', '%s|', '$(id)', "a'b", '', '*'])).toBe("$(id)|a'b||*|");
  });

  it('quote what the program said when it fails', async () => {
    const failing = command(['sh', '-c', 'echo the reason >&2; exit 3']);
    await expect(failing).rejects.toThrow(/ended with 3:\n {2}the reason/);
    await expect(failing).rejects.toBeInstanceOf(FrostlineError);
  });

  it('tell the lines of their stderr as they come, and keep them', async () => {
    const lines: string[] = [];
    // the second line is written only after the first was heard
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const script = 'echo one >&2; until [ -e heard ]; do sleep 0.02; done; printf "two\\nthree" >&2';
    const onLine = (line: string): void => {
      lines.push(line);
      writeFileSync(join(dir, 'heard'), '');
    };
    const { stderr } = await capture(['sh', '-c', script], { cwd: dir, onLine });
    expect(lines).toEqual(['one', 'two', 'three']);
    expect(stderr).toBe('one\ntwo\nthree');
  });

  it('end when they take too long', async () => {
    await expect(capture(['sleep', '60'], { timeoutMs: 100 })).rejects.toThrow('did not end within 0.1 s');
  });
});

describe('a group that is killed', () => {
  it('is that of its leader, alive or not, and of no later process with its pid', async () => {
    const child = spawn('sh', ['-c', 'sleep 60 & echo $!'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const start = processStart(child.pid!)!;
    const other = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const [data] = (await once(child.stdout, 'data')) as [Buffer];
    if (child.exitCode === null) await once(child, 'exit');
    const left = Number(data.toString());
    killGroup({ pid: other.pid!, start: processStart(other.pid!)! - 1 });
    expect(processStart(left)).toBeDefined();
    killGroup({ pid: child.pid!, start });
    await until({ ms: 5000, what: 'the group to end' }, 5, () =>
      processStart(left) === undefined ? true : undefined,
    );
    expect(other.signalCode).toBeNull();
    killGroup({ pid: other.pid!, start: processStart(other.pid!) });
    expect(await once(other, 'exit')).toEqual([null, 'SIGKILL']);
  });
});

describe('a file in a folder that others write to', () => {
  it('takes the place of a link, and is not written where that leads', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const [elsewhere, path] = [join(dir, 'elsewhere'), join(dir, 'machine.json')];
    await writeFile(elsewhere, 'kept');
    await symlink(elsewhere, path);
    await placeFile(path, '{}');
    expect([await readFile(elsewhere, 'utf8'), await readFile(path, 'utf8')]).toEqual(['kept', '{}']);
    expect((await readdir(dir)).sort()).toEqual(['elsewhere', 'machine.json']);
  });
});

describe('makeFolder', () => {
  it('leaves nothing when filling it fails, and keeps the first of two', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const path = join(dir, 'made');
    await expect(makeFolder(path, () => Promise.reject(new Error('disk')))).rejects.toThrow('disk');
    expect(await readdir(dir)).toEqual([]);
    await makeFolder(path, (draft) => writeFile(join(draft, 'a'), '1'));
    await makeFolder(path, (draft) => writeFile(join(draft, 'b'), '2'));
    expect(await readdir(path)).toEqual(['a']);
    expect(await readdir(dir)).toEqual(['made']);
  });
});

describe('URLs', () => {
  it('give their name and password away to a header alone', () => {
    const { url, headers } = toTarget('https://me:p%40ss@h.example/a?b=1');
    expect({ url, headers }).toEqual({
      url: 'https://h.example/a?b=1',
      headers: { authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` },
    });
    expect(toTarget('http://h.example/%')).toEqual({ url: 'http://h.example/%', headers: {} });
    expect(toTarget('http://me:100%@h.example/').headers).toEqual({
      authorization: `Basic ${Buffer.from('me:100%').toString('base64')}`,
    });
  });

  it('are shown without secrets', () => {
    expect(withoutSecrets('see https://me:pw@h.example:8080/a/b?key=1#c, and /a?b')).toBe(
      'see https://h.example:8080/a/b?...#c, and /a?b',
    );
    expect(withoutSecrets('http://token@h.example')).toBe('http://h.example');
  });
});
