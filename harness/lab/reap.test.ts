import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { draftName, isAbandoned } from '../base/draft.ts';
import { makeFolder, sha256File } from '../base/files.ts';
import { processStart, self, whereabouts } from '../base/owner.ts';
import { cacheDir, runtimeDir } from '../base/paths.ts';
import { clean } from '../commands/clean.ts';
import { parseKernel } from '../matrix/source.ts';
import { leftovers } from '../testing/machines.ts';
import { writeImage } from '../testing/packages.ts';
import { serve } from '../testing/server.ts';
import { fetchKernel } from './kernels/fetch.ts';
import { endAll, machineVariable, processesOf } from './processes.ts';
import { findLeftovers, findMachines } from './reap.ts';
import type * as Account from './vagrant/account.ts';

// this host's real folder may hold other people's machines
vi.mock('./vagrant/account.ts', async (original) => ({
  ...(await original<typeof Account>()),
  vagrantBase: () => `${process.env['XDG_CACHE_HOME']}/vagrant`,
}));

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'frostline-test-'));
beforeEach(async () => {
  vi.stubEnv('XDG_CACHE_HOME', await folder());
  vi.stubEnv('FROSTLINE_RUNTIME_DIR', join(await folder(), 'machines'));
});
afterEach(() => void vi.unstubAllEnvs());

/** Starts a process that runs until the test is over. */
function running(argv: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess & { pid: number } {
  const [program = '', ...words] = argv;
  const child = spawn(program, words, { env: { ...process.env, ...env }, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child as ChildProcess & { pid: number };
}

/** The owner record of a process that has died. */
async function deadOwner(): Promise<{ pid: number; start: number }> {
  const child = running(['sleep', '60']);
  const owner = { pid: child.pid, start: processStart(child.pid)! };
  child.kill('SIGKILL');
  await once(child, 'exit');
  return owner;
}

async function cleaned(options: Parameters<typeof clean>[0] = {}): Promise<{ out: string; code: number }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let code = 0;
  const { signal } = new AbortController();
  await clean(options, { stdout, stderr, env: {}, signal, setExitCode: (next) => (code = next) });
  return { out: String(stdout.read() ?? ''), code };
}

describe('clean', () => {
  it('leaves a download that is under way alone, and the cache with it', async () => {
    const image = join(await folder(), 'bzImage');
    await writeImage(image, '6.1.0');
    const bytes = await readFile(image);
    const said: { out: string; code: number }[] = [];
    const answer = async (response: ServerResponse): Promise<void> => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 100));
      said.push(await cleaned(), await cleaned({ cache: true }));
      response.end(bytes.subarray(100));
    };
    await using server = await serve({ '/bzImage': (_, response) => void answer(response) });
    const source = `url:${server.base}/bzImage,sha256=${await sha256File(image)}`;
    expect(await fetchKernel(parseKernel(source, '/'))).toMatchObject({ release: '6.1.0' });
    expect(said).toEqual([
      { out: 'nothing to clean\n', code: 0 },
      { out: `kept ${cacheDir()}: process ${process.pid} uses it\n`, code: 69 },
    ]);
    expect(await cleaned({ cache: true })).toEqual({ out: `removed ${cacheDir()}\n`, code: 0 });
  });

  it('removes what a dead process was filling, in whatever part of the cache', async () => {
    const { pid, start } = await deadOwner();
    const draft = cacheDir('any-part', `.draft-${pid}-${start}-${whereabouts()}-1764000000-0a1b2c`);
    await mkdir(join(draft, 'root'), { recursive: true });
    expect(await cleaned()).toEqual({ out: `removed ${draft}\n`, code: 0 });
    expect(await readdir(cacheDir('any-part'))).toEqual([]);
  });
});

describe('a folder that is being filled', () => {
  const now = Date.now();
  const made = Math.floor(now / 1000);
  const day = 24 * 3600;

  it.each([
    ['by this process', draftName(), false],
    ['by a process that came later, with the same pid', draftName().replace(/-\d+-/, '-1-'), true],
    ['on another boot, just now', `.draft-1-1-0123abcd.1-${made}-aa`, false],
    ['on another boot, a day ago', `.draft-1-1-0123abcd.1-${made - day - 1}-aa`, true],
    ['by who does not say, just now', '.draft-0a1b2c', false],
  ])('%s: %s', (_, name, expected) => {
    expect(isAbandoned(name, now)).toBe(expected);
  });

  it('by who does not say, a day ago, is abandoned', () => {
    expect(isAbandoned('.draft-0a1b2c', now - (day + 1) * 1000)).toBe(true);
  });

  it('is named by makeFolder, and by build-box', async () => {
    let name = '';
    await makeFolder(join(await folder(), 'made'), (draft) => {
      name = basename(draft);
      return Promise.resolve();
    });
    expect(name).toMatch(new RegExp(`^\\.draft-${process.pid}-${self().start}-`));
    const script = await readFile(new URL('../../scripts/build-box', import.meta.url), 'utf8');
    const make = /^new_draft\(\) \{\n[\s\S]+?^\}/m.exec(script)![0];
    const told = 'new_draft "$1"; read -r _';
    const child = spawn('bash', ['-c', `${make}\n${told}`, 'bash', await folder()]);
    const [data] = (await once(child.stdout, 'data')) as [Buffer];
    const ofBox = basename(data.toString().trim());
    expect(ofBox).toMatch(new RegExp(`^\\.draft-${child.pid}-`));
    expect(isAbandoned(ofBox, 0)).toBe(false);
    child.stdin.end('\n');
    await once(child, 'exit');
    expect(isAbandoned(ofBox, now)).toBe(true);
  });
});

describe('a machine that is left', () => {
  const make = async (owner: object): Promise<string> => {
    const dir = await mkdtemp(join(runtimeDir(), 'vm-'));
    await writeFile(join(dir, 'owner.json'), JSON.stringify({ run: 'r', machine: 'm1', ...owner }));
    return dir;
  };
  const found = async (): Promise<unknown> =>
    (await findLeftovers()).filter(({ dir }) => dir.startsWith(runtimeDir()));

  it('is one of a dead controller, found with its processes from every session', async () => {
    const dir = await make(await deadOwner());
    await make(self());
    const { pid } = running(['sleep', '60'], { [machineVariable]: `${dir}/` });
    vi.stubEnv('XDG_RUNTIME_DIR', await folder());
    vi.stubEnv('TMPDIR', await folder());
    expect(await found()).toMatchObject([{ dir, run: 'r', machine: 'm1', processes: [{ pid }] }]);
    expect((await cleaned()).out).toBe(`removed machine m1 of r: ${dir}, process ${pid}\n`);
    expect(processStart(pid)).toBeUndefined();
    expect(await found()).toEqual([]);
  });

  it('is looked for in one place, whatever folders a session has', async () => {
    vi.stubEnv('FROSTLINE_RUNTIME_DIR', '');
    const here = runtimeDir();
    vi.stubEnv('XDG_RUNTIME_DIR', await folder());
    vi.stubEnv('TMPDIR', await folder());
    expect(runtimeDir()).toBe(here);
  });

  it('is one whose folder is gone though a process of it runs', async () => {
    const dir = await make(self());
    const { pid } = running(['sleep', '60'], { [machineVariable]: `${dir}/` });
    await rm(dir, { recursive: true });
    expect(await found()).toMatchObject([{ dir, owner: null, processes: [{ pid }] }]);
  });

  it('is none of another container, whose processes cannot be seen from here', async () => {
    const [boot] = whereabouts().split('.');
    await make({ ...(await deadOwner()), where: `${boot}.1` });
    expect(await found()).toEqual([]);
    const dir = await make({ ...self(), where: '0123abcd.1' });
    expect(await found()).toMatchObject([{ dir }]);
  });

  it('of this process is seen by the tests that see to it that nothing is left', async () => {
    const dir = await make(self());
    expect(await leftovers()).toMatchObject([{ dir }]);
    await rm(dir, { recursive: true });
    expect(await leftovers()).toEqual([]);
  });

  it('has no process of those who merely look at it', async () => {
    const dir = await make(self());
    const words = ['tail', '-f', join(dir, 'owner.json')];
    const child = running(words, { PWD: `${dir}/`, OLDPWD: join(dir, 'home'), LESSHISTFILE: join(dir, 'h') });
    expect(await readFile(`/proc/${child.pid}/environ`, 'utf8')).toContain(dir);
    expect(await processesOf(dir)).toEqual([]);
    expect((await findMachines()).filter((one) => one.dir === dir)).toMatchObject([{ processes: [] }]);
  });

  it('whose process has ended is not mistaken for a later one with that pid', async () => {
    const child = running(['sleep', '60']);
    await endAll([{ pid: child.pid, start: processStart(child.pid)! - 1 }], 'm1');
    expect(processStart(child.pid)).toBeDefined();
    expect(child.signalCode).toBeNull();
  });
});
