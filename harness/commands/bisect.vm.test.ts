import { execFileSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { capture } from '../base/command.ts';
import { cli, frostline } from '../testing/cli.ts';

const repro = new URL('../../matrices/repro/vfork-lost.yaml', import.meta.url).pathname;
beforeAll(() => void execFileSync(cli, ['--version']));

/** Oldest first; without exact versions, since Debian's mirrors keep few. */
const kernels = [
  'deb:bullseye/linux-image-5.10.0-3?-cloud-amd64',
  'deb:bullseye',
  'deb:bookworm',
  '/no/such/bzImage',
  'deb:trixie',
  'deb:trixie-backports/linux-image-6.18.*-cloud-amd64',
  'deb:trixie-backports/linux-image-7.*-cloud-amd64',
];

/** Creates a git history in which each commit names a different kernel; resolves with the hashes. */
async function historyOf(dir: string): Promise<string[]> {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: dir, encoding: 'utf8' }).trim();
  git('init', '-q');
  const who = ['-c', 'user.name=a test', '-c', 'user.email=test@localhost'];
  const hashes: string[] = [];
  for (const kernel of kernels) {
    await writeFile(join(dir, 'kernel'), `${kernel}\n`);
    git('add', 'kernel');
    git(...who, 'commit', '-qm', kernel);
    hashes.push(git('rev-parse', 'HEAD'));
  }
  return hashes;
}

describe('git bisect run', () => {
  it('finds the first kernel whose freezer loses vfork parents, past one that cannot be had', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const hashes = await historyOf(dir);
    const results = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    await capture(['git', 'bisect', 'start', hashes.at(-1)!, hashes[0]!], { cwd: dir });
    const test = `exec "$0" run --bisect --kernel "$(cat kernel)" --select strategy=single --jobs 2 --results "$1" "$2"`;
    const run = await capture(['git', 'bisect', 'run', 'sh', '-c', test, cli, results, repro], { cwd: dir });
    expect(run).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`${hashes[2]} is the first bad commit`),
    });
    const { stdout: log } = await capture(['git', 'bisect', 'log'], { cwd: dir });
    expect(log).toContain(`git bisect good ${hashes[1]}`);
    expect(log).toContain(`git bisect skip ${hashes[3]}`);
  });

  it.each([
    ['a kernel that cannot be had', ['--kernel', 'absent', repro], 125, /absent cannot be read/],
    ['a word that is no option', ['--kernle', 'absent', repro], 128, /unknown option/],
    ['a matrix that expects nothing', ['quiet.yaml'], 128, /this matrix expects nothing/],
  ])('is not misled by %s', async (_, args, code, said) => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const quiet = `name: quiet
distros: { a: { driver: qemu, kernel: "deb:trixie" } }
cgroups: [v1]
workloads: [sleep]
strategies: { single: { preset: single } }
`;
    await writeFile(join(dir, 'quiet.yaml'), quiet);
    const ended = await frostline(['run', '--bisect', ...args], dir);
    expect(ended.stderr).toMatch(said);
    expect(ended.code).toBe(code);
  });
});
