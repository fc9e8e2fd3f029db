import { mkdtemp, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain, type Finding } from './finding.ts';
import { loadMatrix, loadMatrixFile } from './load.ts';
import { toJsonSchema } from './schema.ts';

const good = `name: quick
trials: 8
machines: 2
distros:
  debian-13: { driver: qemu, kernel: "deb:trixie" }
cgroups: [v1, v2]
workloads: [sleep, spin]
strategies:
  single: { preset: single }
`;

const findings = (text: string): readonly Finding[] => {
  const loaded = loadMatrix(text, 'm.yaml');
  return loaded.ok ? [] : loaded.findings;
};
const brief = (text: string): string[] =>
  findings(text).map(({ line, column, code }) => `${line}:${column} ${code}`);

describe('a good matrix', () => {
  it('loads with its defaults filled in', () => {
    const loaded = loadMatrix(good, '/some/folder/m.yaml');
    if (!loaded.ok) throw new Error('it does not load');
    const { matrix } = loaded;
    expect(matrix).toMatchObject({ name: 'quick', seed: 1, runtimes: ['none'], exclude: [], expect: [] });
    expect(matrix.distros.get('debian-13')).toEqual({
      driver: 'qemu',
      kernel: { kind: 'deb', text: 'deb:trixie', suite: 'trixie', package: null, version: null },
      cpus: 2,
      memoryMiB: 512,
      cmdline: null,
    });
  });

  it('can be every matrix that comes with frostline', async () => {
    const folder = new URL('../../matrices/', import.meta.url).pathname;
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml'));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) expect(await loadMatrixFile(join(folder, file))).toMatchObject({ ok: true });
  });

  it('gives a path kernel relative to its folder', () => {
    const loaded = loadMatrix(good.replace('deb:trixie', 'path:../bzImage,modules=/lib/m'), '/a/b/m.yaml');
    expect(loaded.ok && loaded.matrix.distros.get('debian-13')?.kernel).toMatchObject({
      image: '/a/bzImage',
      modules: '/lib/m',
    });
  });

  it('may use anchors', () => {
    const text = good.replace(
      '{ driver: qemu, kernel: "deb:trixie" }',
      '&d { driver: qemu, kernel: "deb:trixie" }\n  other: *d',
    );
    expect(findings(text)).toEqual([]);
  });

  it('has the schema that editors are given', async () => {
    expect(await readFile(new URL('../../matrices/schema.json', import.meta.url), 'utf8')).toBe(
      toJsonSchema(),
    );
  });
});

/** Replacements in the good matrix, and the findings that must come of them, at line:column. */
const bad: readonly (readonly [what: string, from: string, to: string, expected: readonly string[]])[] = [
  ['a misspelt key', 'trials: 8', 'trails: 8', ['2:1 unknown-key', '3:1 bad-value'].slice(0, 1)],
  ['a misspelt key inside', 'driver:', 'drivr:', ['5:14 missing-key', '5:16 unknown-key']],
  ['a wrong type', 'trials: 8', 'trials: many', ['2:9 wrong-type']],
  ['a list where a name is wanted', 'name: quick', 'name: [a]', ['1:7 wrong-type']],
  ['a version that is not quoted', 'name: quick', 'name: 6.10', ['1:7 unquoted']],
  ['a version as a name, not quoted', 'debian-13:', '6.10:', ['5:3 unquoted']],
  ['an unknown workload', 'spin]', 'spinn]', ['7:20 unknown-name']],
  ['an unknown preset', 'preset: single', 'preset: singel', ['9:21 unknown-name']],
  ['an unknown suite', 'deb:trixie', 'deb:trixi', ['5:38 unknown-name']],
  ['an unknown driver', 'driver: qemu', 'driver: qmeu', ['5:24 unknown-name']],
  ['an empty axis', '[sleep, spin]', '[]', ['7:12 empty']],
  ['no distros', '\n  debian-13: { driver: qemu, kernel: "deb:trixie" }', ' {}', ['4:10 empty']],
  ['a workload given twice', 'spin]', 'sleep]', ['7:20 duplicate']],
  ['a key given twice', 'trials: 8', 'trials: 8\ntrials: 9', ['3:1 duplicate']],
  ['too many machines', 'machines: 2', 'machines: 9', ['3:11 bad-value']],
  ['no trials', 'trials: 8', 'trials: 0', ['2:9 bad-value', '3:11 bad-value'].slice(0, 1)],
  ['a bare number as a duration', 'trials: 8', 'trials: 8\ndeadline: 10', ['3:11 unquoted']],
  ['a shell in a name', 'name: quick', 'name: $(touch x)', ['1:7 bad-value']],
  ['a shell as a distro', 'debian-13:', '"$(id)":', ['5:3 bad-value']],
  ['a workload with a path', 'spin]', '../../etc]', ['7:20 unknown-name']],
  ['a tab', 'trials: 8', 'trials:\n\t- 8', ['3:1 yaml']],
  ['an open bracket', '[v1, v2]', '[v1, v2', ['7:1 yaml']],
  ['two documents', 'name: quick', 'name: quick\n---\nname: b', ['2:1 yaml']],
  ['a prototype', 'name: quick', 'name: quick\n__proto__: { a: 1 }', ['2:1 unknown-key']],
  ['a binary file', 'name: quick', 'name: \0', ['1:7 yaml']],
  ['an unknown alias', '[v1, v2]', '*nothing', ['6:11 yaml']],
  ['a strategy that contradicts itself', '{ preset: single }', '{ thawFor: 1ms }', ['9:13 pointless']],
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

  it('is nested without end', () => {
    expect(brief(`cgroups: ${'['.repeat(10_000)}`)).toEqual([expect.stringContaining('yaml')]);
  });

  it('is a file that is missing, a folder, or far too large', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
    const large = join(dir, 'large.yaml');
    await writeFile(large, '');
    await truncate(large, 100 * 2 ** 20);
    for (const file of [join(dir, 'absent.yaml'), dir, large]) {
      const loaded = await loadMatrixFile(file);
      expect(loaded).toMatchObject({
        ok: false,
        findings: [{ file, line: 1, column: 1, code: 'unreadable' }],
      });
    }
  });
});

describe('the loader', () => {
  it('gives a matrix or findings in the text for anything at all', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.nat({ max: good.length }), fc.nat({ max: 40 }), fc.string({ maxLength: 20 }))
        .map(([at, length, insert]) => good.slice(0, at) + insert + good.slice(at + length)),
    );
    fc.assert(
      fc.property(text, (input) => {
        const loaded = loadMatrix(input, 'm.yaml');
        if (loaded.ok) return;
        expect(loaded.findings.length).toBeGreaterThan(0);
        const lines = input.split('\n');
        for (const finding of loaded.findings) {
          expect(lines.length).toBeGreaterThanOrEqual(finding.line);
          expect(lines[finding.line - 1]!.length + 1).toBeGreaterThanOrEqual(finding.column);
          expect(explain(finding)).not.toContain('undefined');
        }
      }),
      { numRuns: 500 },
    );
  });
});
