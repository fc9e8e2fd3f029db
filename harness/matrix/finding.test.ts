import { mkdtemp, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explain, type Finding } from './finding.ts';
import { loadMatrix, loadMatrixFile } from './load.ts';
import { good } from './sample.ts';

const until = (min: number, max: number, halfWidth: number): string =>
  `{ min: ${min}, max: ${max}, halfWidth: ${halfWidth} }`;

const findings = (text: string): readonly Finding[] => {
  const loaded = loadMatrix(text, 'm.yaml');
  return loaded.ok ? [] : loaded.findings;
};
const brief = (text: string): string[] =>
  findings(text).map(({ line, column, code }) => `${line}:${column} ${code}`);

/** Replacements in the good matrix, and the findings they must cause, at LINE:COLUMN. */
const bad: readonly (readonly [what: string, from: string, to: string, expected: readonly string[]])[] = [
  ['a misspelt key', 'trials: 8', 'trails: 8', ['2:1 unknown-key']],
  ['a misspelt key inside', 'driver:', 'drivr:', ['5:14 missing-key', '5:16 unknown-key']],
  ['a wrong type', 'trials: 8', 'trials: many', ['2:9 wrong-type']],
  ['a list where a name is wanted', 'name: quick', 'name: [a]', ['1:7 wrong-type']],
  ['a version that is not quoted', 'name: quick', 'name: 6.10', ['1:7 unquoted']],
  ['a version as a name, not quoted', 'debian-13:', '6.10:', ['5:3 unquoted']],
  ['an unknown workload', 'spin]', 'spinn]', ['7:20 unknown-name']],
  ['an unknown preset', 'preset: single', 'preset: singel', ['9:21 unknown-name']],
  ['an unknown suite', 'deb:trixie', 'deb:trixi', ['5:38 unknown-name']],
  ['an unknown driver', 'driver: qemu', 'driver: qmeu', ['5:24 unknown-name']],
  ['a key of another driver', 'driver: qemu', 'driver: local', ['5:31 unknown-key']],
  ['an ssh host without a name', 'driver: qemu, kernel: "deb:trixie"', 'driver: ssh', ['5:14 missing-key']],
  [
    'a host that is an option',
    'driver: qemu, kernel: "deb:trixie"',
    'driver: ssh, host: "-oProxyCommand=x"',
    ['5:35 bad-value'],
  ],
  ['neither kernel nor image', ', kernel: "deb:trixie"', '', ['5:14 either']],
  ['a kernel and an image', 'kernel:', 'image: "path:a", kernel:', ['5:14 either']],
  [
    'a userland on an image',
    'kernel: "deb:trixie"',
    'image: "path:a", userland: "deb:sid"',
    ['5:57 not-with'],
  ],
  ['tools for a kernel', 'kernel:', 'install: [runc], kernel:', ['5:39 not-with']],
  [
    'an image from a place of no known kind',
    'kernel: "deb:trixie"',
    'image: "ftp://a/b"',
    ['5:37 bad-value'],
  ],
  ['an image without its SHA-256', 'kernel: "deb:trixie"', 'image: "url:http://a/b"', ['5:37 bad-value']],
  ['no box', 'driver: qemu, kernel: "deb:trixie"', 'driver: vagrant', ['5:14 missing-key']],
  [
    'a box that is an option',
    'driver: qemu, kernel: "deb:trixie"',
    'driver: vagrant, box: "--force"',
    ['5:38 bad-value'],
  ],
  [
    'a provider that is not known',
    'driver: qemu, kernel: "deb:trixie"',
    'driver: vagrant, box: a/b, provider: hyperv',
    ['5:53 unknown-name'],
  ],
  ['an empty axis', '[sleep, spin]', '[]', ['7:12 empty']],
  ['no distros', '\n  debian-13: { driver: qemu, kernel: "deb:trixie" }', ' {}', ['4:10 empty']],
  ['a workload given twice', 'spin]', 'sleep]', ['7:20 duplicate']],
  ['a key given twice', 'trials: 8', 'trials: 8\ntrials: 9', ['3:1 duplicate']],
  ['too many machines', 'machines: 2', 'machines: 9', ['3:11 bad-value']],
  [
    'more machines than a first round has trials',
    'trials: 8',
    `trials: ${until(1, 9, 0.1)}`,
    ['3:11 bad-value'],
  ],
  ['more trials at least than at most', 'trials: 8', `trials: ${until(9, 8, 0.1)}`, ['2:24 bad-value']],
  ['a rate of any width', 'trials: 8', `trials: ${until(8, 9, 0.6)}`, ['2:38 bad-value']],
  ['trials without an end', 'trials: 8', 'trials: { min: 8, halfWidth: 0.1 }', ['2:9 missing-key']],
  ['no trials', 'trials: 8', 'trials: 0', ['2:9 bad-value']],
  ['a bare number as a duration', 'trials: 8', 'trials: 8\ndeadline: 10', ['3:11 bad-value']],
  ['a deadline of nothing', 'trials: 8', 'trials: 8\ndeadline: 0s', ['3:11 bad-value']],
  ['a deadline beyond an hour', 'trials: 8', 'trials: 8\ndeadline: 61m', ['3:11 bad-value']],
  ['a kernel that is a version', '"deb:trixie"', '6.10', ['5:38 bad-value']],
  ['a download without its SHA-256', '"deb:trixie"', '"rpm:https://a.example/k.rpm"', ['5:38 bad-value']],
  ['half a SHA-256', '"deb:trixie"', '"rpm:k.rpm,sha256=00"', ['5:38 bad-value']],
  ['a kernel from a place of no known kind', '"deb:trixie"', '"url:ftp://a.example/k"', ['5:38 bad-value']],
  ['packages without a plus between', '"deb:trixie"', '"rpm:a.rpm b.rpm"', ['5:38 bad-value']],
  ['a boolean as text', 'name: quick', 'name: true', ['1:7 unquoted']],
  ['a number of another base as a name', 'debian-13:', '0x10:', ['5:3 unquoted']],
  ['a key with no value', 'name: quick', 'name:', ['1:1 wrong-type']],
  ['a strategy with no value', 'single: { preset: single }', 'single:', ['9:3 wrong-type']],
  ['a number that is none', 'trials: 8', 'trials: .nan', ['2:9 wrong-type']],
  ['a number beyond all bounds', 'trials: 8', 'trials: 99999999999999999999', ['2:9 bad-value']],
  ['half a trial', 'trials: 8', 'trials: 2.5', ['2:9 wrong-type']],
  [
    'more machines than wrong trials',
    'trials: 8\nmachines: 2',
    'trials: many\nmachines: 30',
    ['2:9 wrong-type'],
  ],
  ['no cpus', 'driver: qemu', 'driver: qemu, cpus: 0', ['5:36 bad-value']],
  ['little memory', 'driver: qemu', 'driver: qemu, memory: 127', ['5:38 bad-value']],
  ['an unknown runtime', 'trials: 8', 'trials: 8\nruntimes: [docker]', ['3:12 unknown-name']],
  ['a runtime from nowhere', 'trials: 8', 'trials: 8\nruntimes: [runc]', ['6:3 needs-userland']],
  ['an unknown userland', '"deb:trixie" }', '"deb:trixie", userland: "deb:buster" }', ['5:62 unknown-name']],
  ['a gap without a unit', 'trials: 8', 'trials: 8\nstartGap: 0..60', ['3:11 bad-value']],
  ['a gap that ends before it begins', 'trials: 8', 'trials: 8\nstartGap: 9..5ms', ['3:11 bad-value']],
  ['a gap of hours', 'trials: 8', 'trials: 8\nstartGap: 0..20s', ['3:11 bad-value']],
  [
    'a freeze at any moment of what has to be in its state',
    'sleep, spin]',
    'sleep, uffd-user]\nstartGap: 0..60ms',
    ['7:20 no-gap'],
  ],
  ['a loop in a tool', '{ preset: single }', '{ tool: runc-pause, poll: 5ms }', ['9:31 pointless']],
  ['a pre-dump of a pause', '{ preset: single }', '{ tool: runc-pause, preDump: true }', ['9:31 pointless']],
  ['a pre-dump of nothing', '{ preset: single }', '{ preset: single, preDump: true }', ['9:29 pointless']],
  ['an unknown tool', '{ preset: single }', '{ tool: docker-pause }', ['9:19 unknown-name']],
  ['a shell in a name', 'name: quick', 'name: $(touch x)', ['1:7 bad-value']],
  ['a shell as a distro', 'debian-13:', '"$(id)":', ['5:3 bad-value']],
  ['a workload with a path', 'spin]', '../../etc]', ['7:20 unknown-name']],
  ['a tab', 'trials: 8', 'trials:\n\t- 8', ['3:1 yaml']],
  ['an open bracket', '[v1, v2]', '[v1, v2', ['7:1 yaml']],
  ['two documents', 'name: quick', 'name: quick\n---\nname: b', ['2:1 yaml']],
  ['a prototype', 'name: quick', 'name: quick\n__proto__: { a: 1 }', ['2:1 unknown-key']],
  ['a prototype as a distro', 'debian-13:', '__proto__: { driver: no }\n  debian-13:', ['5:3 bad-value']],
  ['a prototype as a strategy', 'single:', '__proto__:', ['9:3 bad-value']],
  ['a list as a key', 'trials: 8', '? [a, b]\n: 8', ['2:3 yaml']],
  ['an unknown tag', 'name: quick', 'name: !ruby x', ['1:7 yaml']],
  ['an alias within its anchor', '[sleep, spin]', '&a [sleep, *a]', ['7:23 wrong-type']],
  ['a binary file', 'name: quick', 'name: \0', ['1:7 yaml']],
  ['an unknown alias', '[v1, v2]', '*nothing', ['6:11 yaml']],
  ['a strategy that contradicts itself', '{ preset: single }', '{ thawFor: 1ms }', ['9:13 pointless']],
  ['a poll that waits for events', '{ preset: single }', '{ wait: events, poll: 1ms }', ['9:27 pointless']],
  ['a schedule without its cycle', '{ preset: single }', '{ rewriteAt: [3] }', ['9:13 pointless']],
  ['a step beyond its cycle', '{ preset: single }', '{ rewriteAt: [3], cycle: 3 }', ['9:13 pointless']],
  ['notifications on v1', '{ preset: single }', '{ preset: rewrite, wait: events }', ['9:30 pointless']],
];

describe('a bad matrix', () => {
  it.each(bad)('%s', (_, from, to, expected) => {
    expect(good).toContain(from);
    expect(brief(good.replace(from, to))).toEqual(expected);
  });

  it.each([
    ['exclude that names what is not there', 'exclude: [{ distro: debian-12 }]', '10:21 unknown-name'],
    ['exclude of a workload on no axis', 'exclude: [{ workload: fork-storm }]', '10:23 unknown-name'],
    ['exclude that leaves nothing', 'exclude: [{ cgroup: [v1, v2] }]', '10:10 pointless'],
    [
      'expect that can never be met',
      'exclude: [{ workload: sleep }]\nexpect: [{ workload: sleep, rate: ">= 0.9" }]',
      '11:10 matches-nothing',
    ],
    ['expect without a comparison', 'expect: [{ rate: "0.9" }]', '10:18 bad-value'],
    ['expect of nothing', 'expect: [{ workload: sleep }]', '10:10 bad-value'],
    ['a time that is expected exactly', 'expect: [{ p95: "== 5s" }]', '10:17 bad-value'],
    ['a time without its unit', 'expect: [{ p95: "<= 500" }]', '10:17 bad-value'],
    ['a share as a percentage', 'expect: [{ casualties: "<= 5%" }]', '10:24 bad-value'],
    ['an empty exclude', 'exclude: [{}]', '10:11 pointless'],
  ])('%s', (_, line, expected) => {
    expect(brief(`${good}${line}\n`)).toEqual([expected]);
  });

  it('tells all that is wrong, not the first only', () => {
    const text = good
      .replace('trials: 8', 'trails: 8')
      .replace('spin]', 'spinn]')
      .replace('deb:trixie', 'deb:trixi');
    expect(brief(text)).toEqual(['2:1 unknown-key', '5:38 unknown-name', '7:20 unknown-name']);
    expect(findings(text).map(explain)).toEqual([
      expect.stringContaining('Did you mean "trials"?'),
      expect.stringContaining('Did you mean "trixie"?'),
      expect.stringContaining('Did you mean "spin"?'),
    ]);
  });

  it('names the workloads whose start needs processes, where a gap leaves none', () => {
    const text = (workload: string, runtimes: string, more = ''): string =>
      good
        .replace('deb:trixie"', 'deb:trixie", userland: "deb:trixie"')
        .replace('trials: 8', `trials: 8\nstartGap: 0..60ms\nruntimes: ${runtimes}`)
        .replace('spin]', `${workload}]`) + more;
    expect(brief(text('ptrace-stop', '[none]'))).toEqual([]);
    expect(brief(text('ptrace-stop', '[none, runc]'))).toEqual(['9:20 no-gap']);
    const without = 'exclude: [{ workload: ptrace-stop, runtime: runc }]\n';
    expect(brief(text('ptrace-stop', '[none, runc]', without))).toEqual([]);
    expect(brief(text('mt-exec-once', '[none, runc]'))).toEqual([]);
    expect(findings(text('ptrace-stop', '[runc]')).map(explain)).toEqual([
      expect.stringMatching(/^"ptrace-stop" cannot be frozen at a random moment in a container: /),
    ]);
    expect(findings(text('uffd-user', '[none]')).map(explain)).toEqual([
      expect.stringMatching(/^"uffd-user" cannot be frozen at a random moment: /),
    ]);
  });

  it('says how a download is verified', () => {
    const [first] = findings(good.replace('deb:trixie', 'url:https://a.example/bzImage'));
    expect(explain(first!)).toBe(
      'Expected "https://a.example/bzImage,sha256=HEX", so that it can be verified, got "https://a.example/bzImage".',
    );
  });

  it('is told of by line, column and path, whatever ends its lines', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      expect(findings(good.replace('qemu', 'qmeu').replaceAll('\n', end))).toMatchObject([
        { file: 'm.yaml', line: 5, column: 24, path: 'distros.debian-13.driver', code: 'unknown-name' },
      ]);
    }
  });

  it('tells of a wrong part what is wrong with its neighbours too', () => {
    const text = good.replace(
      'debian-13:',
      'wrong: { driver: qemu, kernel: "deb:trixi" }\n  other: { drivr: qemu, kernel: "deb:trixie" }\n  debian-13:',
    );
    expect(brief(text)).toEqual(['5:34 unknown-name', '6:10 missing-key', '6:12 unknown-key']);
  });

  it('is found in one way of several', () => {
    const several = (ways: string): string =>
      good.replace('{ driver: qemu, kernel: "deb:trixie" }', `{ ways: ${ways} }`);
    expect(brief(several('[]'))).toEqual(['5:22 empty']);
    expect(brief(several('[{ driver: qemu, kernel: "deb:trixi" }]'))).toEqual(['5:47 unknown-name']);
    expect(brief(several('[{ driver: qemu, kernel: "deb:sid", cpu: 1 }, { driver: vmware }]'))).toEqual([
      '5:58 unknown-key',
      '5:78 unknown-name',
    ]);
  });

  it('is an empty file', () => {
    expect(brief('')).toEqual(['1:1 wrong-type']);
    expect(brief('# nothing\n')).toEqual(['1:1 wrong-type']);
  });

  it('is an alias bomb, refused in bounded time and memory', () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`,
    );
    const before = process.memoryUsage().heapUsed;
    expect(findings(`a0: &a0 x\n${levels.join('\n')}\n`).length).toBeGreaterThan(0);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 2 ** 20);
  });

  it.each([
    ['unknown keys', good + Array.from({ length: 20_000 }, (_, i) => `k${i}: &a${i} 1\n`).join('')],
    ['the same key', good + 'k: 1\n'.repeat(50_000)],
    [
      'unknown names',
      good.replace('spin]', Array.from({ length: 20_000 }, (_, i) => `x${i}`).join(', ') + ']'),
    ],
    ['wrong excludes', `${good}exclude:\n${'  - { distro: nothing }\n'.repeat(20_000)}`],
  ])('has tens of thousands of %s, all of them told', (_, text) => {
    expect(findings(text).length).toBeGreaterThan(10_000);
  });

  it('is nested without end', () => {
    expect(brief(`cgroups: ${'['.repeat(10_000)}`)).toEqual([expect.stringContaining('yaml')]);
  });

  it('is a file that is missing, far too large, or no file', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const large = join(dir, 'large.yaml');
    await writeFile(large, '');
    await truncate(large, 100 * 2 ** 20);
    const loop = join(dir, 'loop.yaml');
    await symlink(loop, loop);
    for (const file of [join(dir, 'absent.yaml'), dir, large, loop, '/dev/zero', 'nul\0']) {
      const loaded = await loadMatrixFile(file);
      expect(loaded).toMatchObject({
        ok: false,
        findings: [{ file, line: 1, column: 1, code: 'unreadable' }],
      });
    }
  });
});
