import { mkdtemp, readdir, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { Journal } from './journal.ts';

vi.mock('./tail.ts', () => ({
  cutTornTail: () => Promise.reject(Object.assign(new Error('read-only'), { code: 'EROFS' })),
}));

it('a journal whose torn end cannot be cut is not opened, and not held open', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'records.ndjson');
  await expect(Journal.open(path)).rejects.toThrow('the file system is read-only (EROFS)');
  const held = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  expect(held).not.toContain(path);
});
