import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { leftovers } from '../testing/machines.ts';

const cli = fileURLToPath(new URL('../../scripts/frostline', import.meta.url));
let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  const matrix = (trials: number): string => `name: m
trials: ${trials}
machines: 1
distros: { debian-11: { driver: qemu, kernel: "deb:bullseye" } }
cgroups: [v1]
workloads: [fuse-unanswered]
strategies: { single: { preset: single, deadline: 300ms } }
`;
  await writeFile(join(dir, 'm.yaml'), matrix(4));
  await writeFile(join(dir, 'long.yaml'), matrix(1000));
});
afterAll(() => rm(dir, { recursive: true }));

const frostline = (...words: string[]): string =>
  execFileSync(cli, words, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Runs tmux on a server of our own, so that no other session is touched. */
const tmux = (...words: string[]): string =>
  execFileSync('tmux', ['-L', `frostline-${process.pid}`, ...words], { encoding: 'utf8' });

it('a cell is measured again by another person, from a bundle', async () => {
  frostline('run', 'm.yaml');
  frostline('repro', 'latest', '*fuse*', '--bundle', 'out.tar');
  await rm(join(dir, 'results'), { recursive: true });
  const said = frostline('repro', 'out.tar', '--trials', '2');
  expect(said).toContain('then  0/4 0%');
  expect(said).toContain('now   0/2 0%');
  expect(said).toMatch(/the same kernel image: linux-image-5\.10\S+ \S+, sha256 [0-9a-f]{12}/);
  expect(said).toContain('Reproduced: it failed again.');
});

/** Starts a command in the terminal that outlives it; its exit code is then in the file `code`. */
function startInTerminal(words: string): void {
  // a user's terminal with the live display, even when the tests run in CI; the shell without the trap is the session
  // leader: when it dies, the whole foreground process group is signalled
  const shell = `sh -c 'trap : HUP; unset CI; cd ${dir}; rm -f code; ${cli} ${words}; echo $? > code'; exit`;
  tmux('new-session', '-d', '-x', '100', '-y', '30', shell);
}
const shown = (): string => tmux('capture-pane', '-p', '-S', '-');
const read = (file: string): Promise<string> => readFile(join(dir, file), 'utf8').catch(() => '');
/** Machines that were left behind by shells and by runs of this matrix. */
const machines = async (): Promise<string[]> =>
  (await leftovers()).map(({ run }) => run).filter((run) => /^one-|-m$/.test(run));

// the server has already ended when the test passed
afterEach(
  () => void spawnSync('tmux', ['-L', `frostline-${process.pid}`, 'kill-server'], { stdio: 'ignore' }),
);

it('a shell looks at the stuck group from a real terminal, which may change its size', async () => {
  startInTerminal('repro out.tar --shell');
  await expect.poll(shown, { timeout: 60_000 }).toContain('~ #');
  expect(shown()).toContain('FROZEN was not reached');
  tmux('send-keys', 'stty size; cat /sys/fs/cgroup/freezer/frostline-*/freezer.state', 'Enter');
  await expect.poll(shown, { timeout: 20_000 }).toContain('FREEZING');
  expect(shown()).toContain('30 100');
  tmux('resize-window', '-x', '120', '-y', '40');
  tmux('send-keys', 'stty size', 'Enter');
  await expect.poll(shown, { timeout: 20_000 }).toContain('40 120');
  tmux('send-keys', 'exit 3', 'Enter');
  await expect.poll(() => read('code'), { timeout: 30_000 }).toBe('3\n');
  expect(await machines()).toEqual([]);
});

it.each([
  ['a shell', 'repro out.tar --shell', '~ #'],
  ['a run', 'run long.yaml', 'not-frozen'],
])('a terminal that goes away takes the machine of %s with it', async (_, words, sign) => {
  startInTerminal(words);
  await expect.poll(shown, { timeout: 60_000 }).toContain(sign);
  tmux('kill-server');
  await expect.poll(() => read('code'), { timeout: 30_000 }).toBe('129\n');
  expect(await machines()).toEqual([]);
});

it('a shell runs a script, and exits as that does', () => {
  const input = 'uname -r; echo careful >&2; exit 5\n';
  const shell = spawnSync(cli, ['shell', 'debian-11', '-m', 'm.yaml'], { cwd: dir, input, encoding: 'utf8' });
  expect(shell).toMatchObject({ status: 5, stdout: expect.stringMatching(/^5\.10\.\S+\n$/) });
  expect(shell.stderr).toMatch(/careful$/m);
});
