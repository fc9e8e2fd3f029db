import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { capture } from './base/command.ts';
import { cli, frostline, start } from './testing/cli.ts';
import { recordsOf, untilRecords } from './testing/results.ts';

const matrix = `name: test
trials: 4
machines: 1
distros:
  debian-11: { driver: qemu, kernel: "deb:bullseye" }
cgroups: [v1]
workloads: [fuse-unanswered]
strategies:
  single: { preset: single, deadline: 1s }
`;
const isRoot = process.getuid?.() === 0;

let dir = '';
beforeAll(() => void execFileSync(cli, ['--version']));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  await writeFile(join(dir, 'm.yaml'), matrix);
});

/** Occupies the only port of its network namespace, then runs the command line. */
const withoutPorts = `
  require('node:net').createServer().listen(40000, '127.0.0.1', () => {
    const [program, ...words] = process.argv.slice(1);
    process.exitCode = require('node:child_process').spawnSync(program, words, { stdio: 'inherit' }).status;
    process.exit();
  });`;

describe('a host', () => {
  it('without a QEMU measures nothing, and says so', async () => {
    const ended = await frostline(['run', 'm.yaml'], dir, { FROSTLINE_QEMU: '/nowhere/qemu' });
    expect(ended).toMatchObject({
      code: 69,
      stdout: expect.stringContaining('not measured'),
      stderr: expect.stringContaining('FROSTLINE_QEMU=/nowhere/qemu does not run.'),
    });
  });

  it.runIf(isRoot)('without a free port gives its cells up, and says so (root makes a network)', async () => {
    const set = 'ip link set lo up; echo "40000 40000" > /proc/sys/net/ipv4/ip_local_port_range; exec "$@"';
    const words = [
      'unshare',
      '-n',
      'sh',
      '-c',
      set,
      'sh',
      process.execPath,
      '-e',
      withoutPorts,
      cli,
      'run',
      'm.yaml',
    ];
    const { code, stdout, stderr } = await capture(words, { cwd: dir });
    expect({ code, stderr }).toEqual({
      code: 69,
      stderr: expect.stringContaining('Could not set up host forwarding rule'),
    });
    expect(stdout).toContain('not measured');
    expect(recordsOf(dir)).toEqual([]);
  });

  it('with a results folder that cannot be written boots nothing', async () => {
    const ended = await frostline(['run', 'm.yaml', '--results', '/sys/frostline'], dir);
    expect(ended).toMatchObject({
      code: 74,
      stderr: expect.stringMatching(/^frostline: results folder \/sys\/frostline cannot be used \(E/),
    });
  });

  it.runIf(isRoot)(
    'with a run that cannot be written reports it, and does not go on with it (root mounts)',
    async () => {
      expect(await frostline(['run', 'm.yaml'], dir)).toMatchObject({ code: 0 });
      const results = join(dir, 'results');
      execFileSync('mount', ['--bind', '-o', 'ro', results, results]);
      try {
        expect(await frostline(['report'], dir)).toMatchObject({ code: 0, stderr: '' });
        expect(await frostline(['run', '--resume', 'latest'], dir)).toMatchObject({
          code: 74,
          stderr: expect.stringMatching(
            /cannot be locked for writing \(EROFS\)\n {2}What is in it stays readable/,
          ),
        });
      } finally {
        execFileSync('umount', [results]);
      }
    },
  );
});

describe('two controllers', () => {
  it('never write to one run: the second is told of the first, and disturbs it not', async () => {
    const first = start(['run', 'm.yaml'], dir);
    await untilRecords(dir, 1);
    expect(await frostline(['run', '--resume', 'latest'], dir)).toMatchObject({
      code: 74,
      stderr: expect.stringContaining(`is being written by process ${first.child.pid}`),
    });
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(recordsOf(dir).map(({ trial }) => trial)).toEqual([0, 1, 2, 3]);
  });

  it('on one results folder each have a run of their own', async () => {
    await mkdir(join(dir, 'results'));
    const both = [start(['run', 'm.yaml'], dir), start(['run', 'm.yaml'], dir)];
    for (const { ended } of both)
      expect(await ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/0\/4/) });
  });
});
