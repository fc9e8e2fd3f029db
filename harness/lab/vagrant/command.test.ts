import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Vagrant } from './command.ts';
import { describeMachine, freePort, makeMachineFolder } from './folder.ts';

// Runs the driver's commands against a `vagrant` that repeats recorded output (fixtures/README.md).
const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));
let base: string;
let dir: string;
let vagrant: Vagrant;

/** Each answer: the start of the command's words, the fixture, the exit code. */
const repeat = async (...answers: readonly (readonly [words: string, fixture: string, code: number])[]) => {
  const cases = answers.map(
    ([words, fixture, code]) => `"${words}"*) cat ${fixtures}/${fixture}.txt; exit ${code} ;;`,
  );
  const program = [
    '#!/bin/sh',
    `echo "$*" >> ${base}/called`,
    `env > ${base}/env`,
    'case "$*" in',
    ...cases,
    'esac',
    'exit 99',
  ];
  await writeFile(join(base, 'vagrant'), program.join('\n'));
  await chmod(join(base, 'vagrant'), 0o755);
};

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'frostline-vagrant-'));
  const account = { base, as: null };
  dir = await makeMachineFolder(account, 'a-run', 'm1');
  vagrant = new Vagrant(account, dir, 'm1');
  vi.stubEnv('PATH', `${base}:${process.env['PATH'] ?? ''}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(base, { recursive: true });
});

describe("vagrant's commands", () => {
  it('are asked for output that programs read, in an environment of the machine alone', async () => {
    await repeat(
      ['--machine-readable up --provider libvirt', 'up', 0],
      ['--machine-readable status', 'status', 0],
    );
    await vagrant.up('libvirt', 10_000, new AbortController().signal);
    expect(await vagrant.state()).toBe('running');
    const called = (await readFile(join(base, 'called'), 'utf8')).trim().split('\n');
    expect(called).toEqual([
      '--machine-readable up --provider libvirt --no-destroy-on-error',
      '--machine-readable status',
    ]);
    const env = await readFile(join(base, 'env'), 'utf8');
    expect(env).toContain(`HOME=${dir}/home\n`);
    expect(env).toContain(`VAGRANT_HOME=${base}/vagrant.d\n`);
    expect(env).toContain('VAGRANT_CHECKPOINT_DISABLE=1\n');
  });

  it('say where SSH answers', async () => {
    await repeat(['--machine-readable ssh-config', 'ssh-config', 0]);
    expect(await vagrant.sshConfig()).toMatchObject({ host: '127.0.0.1', port: 22501, user: 'vagrant' });
  });

  it('fail in the words of vagrant', async () => {
    await repeat(
      ['--machine-readable snapshot restore', 'no-snapshot', 1],
      ['--machine-readable up', 'bad-emulator', 1],
      ['--machine-readable ssh-config', 'status', 0],
    );
    await expect(vagrant.restore()).rejects.toThrow(
      'm1: vagrant snapshot restore --no-provision frostline: The snapshot name',
    );
    await expect(vagrant.up('libvirt', 10_000, new AbortController().signal)).rejects.toThrow(
      'An error occurred, but the cause is unknown',
    );
    await expect(vagrant.sshConfig()).rejects.toThrow('does not say where SSH answers');
    await expect(vagrant.destroy()).rejects.toThrow('exit 99');
  });
});

describe('the folder of a machine', () => {
  it('says whose it is, and has a Vagrantfile and what that reads', async () => {
    const owner: unknown = JSON.parse(await readFile(join(dir, 'owner.json'), 'utf8'));
    expect(owner).toMatchObject({ pid: process.pid, run: 'a-run', machine: 'm1' });
    const port = await freePort();
    expect(port).toBeGreaterThan(1023);
    // as another user of the folder could do, to make root write elsewhere
    await writeFile(join(base, 'elsewhere'), 'kept');
    for (const name of ['machine.json', 'Vagrantfile'])
      await symlink(join(base, 'elsewhere'), join(dir, name));
    await describeMachine(dir, {
      ...{
        run: 'a-run',
        name: 'm1',
        box: 'b',
        boxVersion: null,
        guest: null,
        provider: 'libvirt',
        accel: 'tcg',
      },
      ...{ cpuModel: 'Nehalem', cpus: 1, memoryMiB: 512, port, kernel: null, initrd: null, cmdline: null },
      ...{ console: join(dir, 'console.log'), bootTimeoutSeconds: 300, provision: [] },
    });
    expect(await readFile(join(base, 'elsewhere'), 'utf8')).toBe('kept');
    // every key that the Vagrantfile reads is present
    const asked = [...(await readFile(join(dir, 'Vagrantfile'), 'utf8')).matchAll(/frostline\["(\w+)"\]/g)];
    const given: unknown = JSON.parse(await readFile(join(dir, 'machine.json'), 'utf8'));
    expect(Object.keys(given as object)).toEqual(expect.arrayContaining(asked.map(([, key]) => key)));
  });
});
