import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli } from './testing/cli.ts';
import { nightly, storeNightly } from './testing/stored.ts';

beforeAll(() => void execFileSync(cli, ['--version']), 120_000);

/** The exit code and stderr of a command whose reader is gone before it prints anything. */
async function unread(words: readonly string[], cwd: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(cli, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

describe('a command whose output nobody reads', () => {
  it('ends with the code that it has anyway', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const results = join(dir, 'results');
    await storeNightly(results, 4, 0);
    await storeNightly(results, 0, 4);
    await storeNightly(results, 0, 0);
    for (const format of ['terminal', 'html'])
      expect(await unread(['report', 'latest~1', '--format', format], dir)).toEqual({ code: 1, said: '' });
    expect(await unread(['report'], dir)).toEqual({ code: 69, said: '' });
    const compare = ['compare', 'latest~2', 'latest~1', '--fail-on', 'worse'];
    expect(await unread(compare, dir)).toEqual({ code: 1, said: '' });
    expect(await unread(['compare', 'latest', 'latest', '--fail-on', 'worse'], dir)).toMatchObject({
      code: 69,
    });
    await writeFile(join(dir, 'm.yaml'), nightly.replace('sleep', 'sleeep'));
    expect(await unread(['check', 'm.yaml'], dir)).toMatchObject({ code: 2 });
  }, 120_000);

  it('that only prints ends at once, and that is no error', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const names = Array.from({ length: 300 }, (_, i) => `  d${i}: { driver: qemu, kernel: "deb:bookworm" }`);
    const many = Array.from({ length: 200 }, (_, i) => `  s${i}: { poll: ${i + 1}ms }`);
    const text = nightly
      .replace(/^ {2}debian-12.*$/m, names.join('\n'))
      .replace(/^ {2}single.*$/m, many.join('\n'));
    await writeFile(join(dir, 'm.yaml'), text);
    expect(await unread(['plan', 'm.yaml'], dir)).toEqual({ code: 0, said: '' });
  });
});
