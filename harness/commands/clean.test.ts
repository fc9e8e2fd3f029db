import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findHostLeftovers, restoreHost } from '../lab/local/restore.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'frostline-test-'));
});

/** Creates a folder like that of a machine on the host itself; its `enter` runs the given script. */
async function leave(name: string, script: string): Promise<string> {
  const folder = join(base, name);
  await mkdir(folder);
  await writeFile(join(folder, 'enter'), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'enter'), 0o755);
  return folder;
}

describe('what a killed run changed of this host', () => {
  it('is found by the folders that are of this user, and no others', async () => {
    expect(await findHostLeftovers(join(base, 'none'))).toEqual([]);
    const folder = await leave('host-1', 'exit 0');
    await writeFile(join(base, 'host-file'), '');
    await symlink(folder, join(base, 'host-link'));
    expect(await findHostLeftovers(base)).toEqual([folder]);
  });

  it('is left to a run that is at work', async () => {
    const folder = await leave('host-1', 'exit 0');
    const holder = spawn('flock', [join(folder, 'alive'), 'sh', '-c', 'echo locked; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    expect(await findHostLeftovers(base)).toEqual([]);
    holder.stdin.end();
    await once(holder, 'exit');
    expect(await findHostLeftovers(base)).toEqual([folder]);
  });

  it('is put back by its own frostbite, whose folder then goes', async () => {
    const folder = await leave('host-1', '[ "$1" = clean ] && echo "wrote 1 settings back"');
    expect(await restoreHost(folder)).toBe('wrote 1 settings back');
    expect(await readdir(base)).toEqual([]);
  });

  it('keeps its folder when that fails, and says why', async () => {
    const folder = await leave('host-1', 'echo no root >&2; exit 3');
    await expect(restoreHost(folder)).rejects.toThrow(`${folder}/enter clean ended with 3: no root`);
    expect(await readdir(base)).toEqual(['host-1']);
  });
});
