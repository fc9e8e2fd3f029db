import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture, command } from '../base/command.ts';
import { presets } from '../matrix/presets.ts';
import type { Strategy } from '../matrix/strategy.ts';
import { encodeRequest } from '../trial/request.ts';
import { calls, files, known, newer } from './tests/interfaces.ts';
import { loops, type Loop } from './tests/presets.ts';

// The guest's sources on plain files: no machine, and gaps of kernels not at hand. Each test is a program of tests/.
const here = new URL('.', import.meta.url).pathname;
const sources = (await readdir(here, { recursive: true })).filter(
  (name) => name.endsWith('.c') && !name.startsWith('tests/') && name !== 'main.c',
);
/** The programs of tests/, and what each shows. */
const programs = [
  ['below.c', 'who is in the way in a group below is told, and where'],
  ['control.c', 'files of cgroups are written as kernels before 3.15 take it'],
  ['entropy.c', 'a kernel that waits for randomness is not waited for'],
  ['forks.c', 'a fork that fails is told, and nobody is killed for it'],
  ['groups.c', 'nobody outside of a group that is ours is killed'],
  ['lines.c', 'a line of the protocol is JSON, whatever a log is made of'],
  ['looking.c', 'nothing that looks waits for what it looks at'],
  ['kmsg.c', 'what the kernel says in a trial that tells of trouble is told with it'],
  ['pids.c', 'processes of another pid namespace are known without NStgid'],
  ['memory.c', 'no byte that another user can write changes what is executed'],
  ['parameters.c', 'a workload is told what its parameters take'],
  ['stuck.c', 'a call to a control file that does not end is told with its file'],
  ['thaw.c', 'the time of a thaw has no start of a tool in it'],
  ['patience.c', 'waits of its own are longer on a slow machine'],
  ['requests.c', 'any lines at all are a request or what is wrong with them'],
  ['settings.c', 'what is changed on the machine is written back, whoever is killed'],
  ['signals.c', 'what is no process is never signalled'],
] as const;
const flags = [
  ...['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-pthread'],
  ...['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'],
];

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-guest-'));
  const objects = sources.map((name) => join(dir, `${name.replaceAll('/', '-')}.o`));
  const make = async (i: number): Promise<void> => {
    for (let n = i; n < sources.length; n += 2)
      await command(['cc', ...flags, '-c', '-o', objects[n]!, join(here, sources[n]!)], {
        timeoutMs: 120_000,
      });
  };
  await Promise.all([make(0), make(1)]);
  await command(['ar', 'rcs', join(dir, 'guest.a'), ...objects]);
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('the guest, on plain files', () => {
  it('has a line for each program', async () => {
    const there = (await readdir(join(here, 'tests'))).filter((name) => name.endsWith('.c'));
    expect(there.sort()).toEqual(programs.map(([name]) => name).toSorted());
  });

  it.each(programs)('%s: %s', async (name) => {
    const program = join(dir, basename(name, '.c'));
    await command(['cc', ...flags, '-o', program, join(here, 'tests', name), join(dir, 'guest.a')], {
      timeoutMs: 120_000,
    });
    const cwd = await mkdtemp(`${program}-`);
    const { code, stdout, stderr } = await capture([program], {
      cwd,
      // LeakSanitizer needs a newer kernel than the one that is imitated
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
      timeoutMs: 60_000,
    });
    expect(stdout.split('\n').filter((line) => line.startsWith('not ok'))).toEqual([]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^1\.\.\d+$/m);
  });
});

/** What tests/programs/freeze.c prints. */
interface Frozen {
  readonly frozen: boolean;
  readonly error: number;
  readonly us: number;
  readonly writes: number;
  readonly reads: number;
  readonly thaws: number;
  readonly open: boolean;
  readonly acts: string;
  readonly calls: string;
}

// Tests the loop that is measured, not a model of it: freeze() itself, given what the harness writes.
describe('freeze() does what the tools do', () => {
  const cases = Object.entries(loops).flatMap(([name, forms]) =>
    Object.entries(forms).map(([cgroup, loop]) => ({ name, cgroup: cgroup as 'v1' | 'v2', loop })),
  );
  let program: string;
  beforeAll(async () => {
    program = join(dir, 'freeze');
    const source = join(here, 'tests/programs/freeze.c');
    await command(['cc', ...flags, '-o', program, source, join(dir, 'guest.a')], { timeoutMs: 120_000 });
  }, 120_000);

  /** Plays a preset on a made-up kernel. */
  async function play({ name, cgroup }: (typeof cases)[number], ...words: string[]): Promise<Frozen> {
    const strategy = (presets as Record<string, Partial<Record<'v1' | 'v2', Strategy>>>)[name]![cgroup]!;
    const input = encodeRequest({
      ...{
        trial: 1,
        seed: 1,
        cgroup,
        runtime: 'none',
        startGap: null,
        workload: 'sleep',
        parameters: {},
        strategy,
      },
    });
    const { code, stdout, stderr } = await capture([program, ...words], {
      ...{ input, env: { ASAN_OPTIONS: 'detect_leaks=0' }, timeoutMs: 60_000 },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Frozen;
  }
  const letters = ({ acts }: Frozen): string => acts.replaceAll(/\d+ /g, '');
  const times = ({ acts }: Frozen, letter: string): number[] =>
    [...acts.matchAll(/([WTR])(\d+)/g)].flatMap(([, act, at]) => (act === letter ? [Number(at)] : []));
  const count = (acts: string, letter: string): number => acts.split(letter).length - 1;
  /** The acts up to the n-th match of a pattern. */
  const until = ({ acts }: Loop, of: RegExp, n: number): string =>
    acts.slice(0, [...acts.matchAll(of)][n - 1]!.index + 1);

  it('has a table of every preset', () => {
    expect(cases.map(({ name, cgroup }) => `${name} ${cgroup}`)).toEqual(
      Object.entries(presets).flatMap(([name, forms]) =>
        Object.keys(forms).map((cgroup) => `${name} ${cgroup}`),
      ),
    );
  });

  it.each(cases)('$name $cgroup: all its steps, and when they come', async (one) => {
    const { loop } = one;
    const played = await play(one);
    expect(letters(played)).toBe(loop.acts);
    const [writes, reads, thaws] = ['W', 'R', 'T'].map((letter) => count(loop.acts, letter));
    expect(played).toMatchObject({ writes, reads, thaws, frozen: false, error: 0, us: loop.end });
    const told = Object.keys(loop.times).map((letter) => [letter, times(played, letter)]);
    expect(Object.fromEntries(told)).toEqual(loop.times);
  });

  it.each(cases)('$name $cgroup: the system calls of each step', async (one) => {
    const { read, write, acts } = one.loop;
    const callsOf = (act: string): string =>
      act === 'R' ? read.replace(/p?read/, '$& R') : write.replace('write', `write ${act}`);
    const { calls: made } = await play(one);
    const expected = `pread ${acts.replaceAll(/[WTR]/g, (act) => `${callsOf(act)} `)}`;
    expect(made.replaceAll(/(?:nanosleep|ppoll) /g, '')).toBe(expected);
  });

  it('runc: without openat2, as before 5.6', async () => {
    const { calls: made } = await play(
      cases.find(({ name }) => name === 'runc')!,
      'old',
      'after=1',
    );
    const opened = 'open fcntl fcntl epoll_ctl fcntl fcntl fstatfs';
    const expected = `pread ${opened} write W epoll_ctl close ${opened} read R read epoll_ctl close `;
    expect(made).toBe(expected);
  });

  it.each(cases)('$name $cgroup: ends with the read that says FROZEN', async (one) => {
    for (const n of [1, 2, 25, 50, 101].filter((k) => k <= count(one.loop.acts, 'R'))) {
      const played = await play(one, `after=${n}`);
      const acts = until(one.loop, /R/g, n);
      expect(letters(played)).toBe(acts);
      expect(played).toMatchObject({ frozen: true, error: 0, reads: n, writes: count(acts, 'W') });
      expect(played).toMatchObject({ thaws: count(acts, 'T'), us: times(played, 'R').at(-1), open: false });
    }
  });

  it.each(cases)('$name $cgroup: ends when its group is gone or cannot be read', async (one) => {
    const { loop } = one;
    for (const n of [1, 2].filter((k) => k <= count(loop.acts, 'W'))) {
      const played = await play(one, `gone=${n}`);
      expect(letters(played)).toBe(until(loop, /W/g, n));
      expect(played).toMatchObject({ frozen: false, error: 19, open: false });
    }
    const played = await play(one, 'unreadable=2');
    expect(letters(played)).toBe(until(loop, /R/g, 2));
    expect(played).toMatchObject({ frozen: false, error: 5, open: false });
  });
});

/** All code, without comments. */
async function code(): Promise<string> {
  const texts = sources.map((name) => readFile(join(here, name), 'utf8'));
  return (await Promise.all(texts)).join('\n').replaceAll(/\/\*.*?\*\//gs, '');
}

const all = (text: string, pattern: RegExp): Set<string> =>
  new Set([...text.matchAll(pattern)].map(([whole, part = whole]) => part));
it('signals nobody but by the functions that refuse what is no process', async () => {
  const callers = await Promise.all(
    sources.map(async (name) => (/\bkill\(/.test(await readFile(join(here, name), 'utf8')) ? [name] : [])),
  );
  expect(callers.flat()).toEqual(['signal.c']);
});

/** The names in `found` that no list has, and those in the lists that are not found any more. */
const differences = (
  found: ReadonlySet<string>,
  lists: readonly string[],
): { unlisted: string[]; stale: string[] } => ({
  unlisted: [...found].filter((name) => !lists.includes(name)).sort(),
  stale: lists.filter((name) => !found.has(name)),
});
const none = { unlisted: [], stale: [] };

/** Constants of the kernel's interface, by the prefixes of its headers. */
const constant =
  /\b(?:(?:SYS|PR|PTRACE|CLONE|MNT|UFFDIO|UFFD|IORING|IOSQE|FUTEX|SCM|SO|LOOP|LO|NBD|VHOST|DM|BPF|FAN|KCMP|MFD|RESOLVE|P_PIDFD)_[A-Za-z0-9_]+|FIFREEZE|FITHAW|RND[A-Z]+|SIOC[A-Z]+|TIOC[A-Z]+)\b/g;
const literal = /"((?:[^"\\\n]|\\.)*)"/g;
const isNewer = (name: string): boolean => !name.includes('.') && !name.endsWith(':');

// A table that fails on anything new in it makes its author think of kernels that are not at hand.
describe("what the guest uses of the kernel's interface is named with the kernel that it came with", () => {
  it('as calls of libc', async () => {
    const { stdout } = await capture(['nm', '-A', '--undefined-only', join(dir, 'guest.a')]);
    const defined = await capture(['nm', '-A', '--defined-only', join(dir, 'guest.a')]);
    const own = all(defined.stdout, / [A-Za-z] (\w+)$/gm);
    const used = [...all(stdout, / U (\w+)$/gm)]
      .filter((name) => !own.has(name) && !/^(_GLOBAL|__asan|__ubsan|__stack_chk)/.test(name))
      .map((name) => name.replace(/^__isoc(?:99|23)_/, ''));
    expect(used).toContain('nanosleep');
    const unlisted = differences(new Set(used), calls).unlisted;
    expect(unlisted).toEqual([]);
  });

  it('as system calls, requests and flags', async () => {
    const names = [...known, ...Object.keys(newer).filter(isNewer)];
    expect(differences(all(await code(), constant), names)).toEqual(none);
  });

  it('as files and their fields', async () => {
    const literals = [...all(await code(), literal)];
    const found = literals.flatMap((text) => {
      if (/^\/(proc|sys|dev)(\/|$)/.test(text) && !/[ :]/.test(text)) return [text];
      const name = /(?:cgroup|freezer|memory|blkio)\.[a-z_.]+$/.exec(text)?.[0];
      return name === undefined ? (/[A-Z][A-Za-z]+:$/.exec(text) ?? []) : [name];
    });
    const names = [...files, ...Object.keys(newer).filter((name) => !isNewer(name))];
    expect(differences(new Set(found), names)).toEqual(none);
  });
});
