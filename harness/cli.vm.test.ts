import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from './base/deadline.ts';
import { cli, frostline, start } from './testing/cli.ts';
import { recordsOf, untilRecords } from './testing/results.ts';
import { leftovers } from './testing/machines.ts';

const matrix = (distros: string, trials: number): string => `name: test
trials: ${trials}
machines: 2
deadline: 1s
distros:
${distros}
cgroups: [v1, v2]
workloads: [sleep, fuse-unanswered]
strategies:
  single: { preset: single }
expect:
  - { workload: sleep, rate: "== 1" }
  - { workload: fuse-unanswered, rate: "== 0" }
`;
const bullseye = '  debian-11: { driver: qemu, kernel: "deb:bullseye" }';

let dir: string;
beforeAll(() => void execFileSync(cli, ['--version']));

async function folder(text: string): Promise<string> {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  await writeFile(join(dir, 'm.yaml'), text);
  return dir;
}

describe('a run', () => {
  afterEach(async () => expect(await leftovers()).toEqual([]));

  it('prints its table, and its JSON says the same', async () => {
    await folder(matrix(bullseye, 4));
    const run = await frostline(['run', 'm.yaml'], dir);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(/v1 sleep +4\/4 100%/);
    expect(run.stdout).toMatch(/v2 fuse-unanswered +0\/4 0%/);
    const report = await frostline(['report', '--format', 'json'], dir);
    const { cells } = JSON.parse(report.stdout) as {
      cells: { id: string; trials: number; frozen: number; release: string }[];
    };
    expect(cells.map(({ id, trials, frozen }) => [id, trials, frozen])).toEqual([
      ['debian-11/v1/none/sleep/single', 4, 4],
      ['debian-11/v1/none/fuse-unanswered/single', 4, 0],
      ['debian-11/v2/none/sleep/single', 4, 4],
      ['debian-11/v2/none/fuse-unanswered/single', 4, 0],
    ]);
    expect(new Set(recordsOf(dir).map(({ machine }) => machine.boot)).size).toBe(2);
  });

  it('that is interrupted takes its machines down, and goes on with no trial repeated or lost', async () => {
    await folder(matrix(bullseye, 10));
    const first = start(['run', 'm.yaml'], dir);
    await untilRecords(dir, 5);
    first.child.kill('SIGINT');
    const { code, stderr } = await first.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('frostline run --resume');
    expect(await leftovers()).toEqual([]);
    const before = recordsOf(dir);
    expect(before.length).toBeLessThan(40);
    expect(await frostline(['run', '--resume', 'latest'], dir)).toMatchObject({ code: 0 });
    const after = recordsOf(dir);
    expect(after.slice(0, before.length)).toEqual(before);
    const keys = after.map(({ cell, trial }) => `${cell} ${trial}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.length).toBe(40);
  });

  it('whose controller is killed leaves no process, and clean removes the rest', async () => {
    await folder(matrix(bullseye, 10));
    const first = start(['run', 'm.yaml'], dir);
    await untilRecords(dir, 5);
    // the launcher execs node, so this is the controller itself
    first.child.kill('SIGKILL');
    await first.ended;
    const left = await until({ ms: 10_000, what: 'the machines to end' }, 50, async () => {
      const found = await leftovers();
      return found.every(({ processes }) => processes.length === 0) ? found : undefined;
    });
    expect(left.length).toBeGreaterThan(0);
    // from another login session of the same user
    const session = { XDG_RUNTIME_DIR: join(dir, 'session'), TMPDIR: join(dir, 'tmp') };
    expect((await frostline(['clean'], dir, session)).stdout).toContain('removed machine');
    expect(await leftovers()).toEqual([]);
    expect(await frostline(['run', '--resume', 'latest'], dir)).toMatchObject({ code: 0 });
    expect(recordsOf(dir).length).toBe(40);
  });

  it('with templates gives each cell a machine of its own on every boot; killed, it leaves nothing that runs', async () => {
    await folder(`templates: true\n${matrix(bullseye, 10)}`);
    const first = start(['run', 'm.yaml', '--jobs', 'auto'], dir);
    await untilRecords(dir, 15);
    first.child.kill('SIGKILL');
    await first.ended;
    await until({ ms: 10_000, what: 'the machines to end' }, 50, async () =>
      (await leftovers()).every(({ processes }) => processes.length === 0) ? true : undefined,
    );
    await frostline(['clean'], dir);
    expect(await frostline(['run', '--resume', 'latest'], dir)).toMatchObject({ code: 0 });
    const records = recordsOf(dir);
    expect(records.length).toBe(40);
    expect(new Set(records.map(({ machine }) => machine.boot)).size).toBe(2);
    const cellsOf = new Map<string, Set<string>>();
    for (const { cell, machine } of records) {
      const cells = cellsOf.get(machine.template!.clone!) ?? new Set();
      cellsOf.set(machine.template!.clone!, cells.add(cell));
    }
    expect([...cellsOf.values()].every((cells) => cells.size === 1)).toBe(true);
  });

  it('goes on with the other distros when a kernel cannot be had, and says so', async () => {
    const gone = '  gone: { driver: qemu, kernel: "deb:bullseye/linux-image-9.9.*-cloud-amd64" }';
    await folder(matrix(`${gone}\n${bullseye}`, 2));
    const { code, stdout, stderr } = await frostline(['run', 'm.yaml'], dir);
    expect(code).toBe(69);
    expect(stderr).toContain('no package matches');
    expect(stdout).toMatch(/v1 sleep +2\/2 100%/);
    expect(stdout).toContain('not measured');
  });

  it.runIf(process.getuid?.() === 0)(
    'on a disk that fills up keeps what was written readable (root mounts a small one)',
    async () => {
      await folder(matrix(bullseye, 40));
      const results = join(dir, 'results');
      await mkdir(results);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', results]);
      try {
        const { code, stderr } = await frostline(['run', 'm.yaml'], dir);
        expect({ code, stderr }).toMatchObject({
          code: 74,
          stderr: expect.stringContaining('the disk is full'),
        });
        expect(recordsOf(dir).length).toBeGreaterThan(0);
        expect((await frostline(['report'], dir)).stdout).toMatch(/v1 sleep +\d+\/\d+/);
      } finally {
        execFileSync('umount', [results]);
      }
    },
  );
});

describe('nothing is booted', () => {
  it.each([
    [
      'by a matrix with findings',
      ['run', 'm.yaml'],
      2,
      /m\.yaml:8:20: error: Unknown name "spinn".*Did you mean "spin"/,
    ],
    ['without a matrix', ['run'], 2, /No matrix file is given/],
    ['by a word that is no option', ['run', '--trails', '3', 'm.yaml'], 2, /unknown option '--trails'/],
    [
      'by a selection of what is not there',
      ['run', 'ok.yaml', '--select', 'workload=slep'],
      2,
      /Did you mean "sleep"/,
    ],
    ['by resuming what does not exist', ['run', '--resume', 'latest'], 74, /holds no run/],
  ])('%s', async (_, args, code, said) => {
    await folder(matrix(bullseye, 2).replace('fuse-unanswered]', 'spinn]'));
    await writeFile(join(dir, 'ok.yaml'), matrix(bullseye, 2));
    const ended = await frostline(args, dir);
    expect(ended.stderr).toMatch(said);
    expect(ended.code).toBe(code);
  });
});
