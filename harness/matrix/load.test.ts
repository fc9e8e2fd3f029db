import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findMissingFiles } from './files.ts';
import { explain } from './finding.ts';
import { loadMatrix, loadMatrixFile } from './load.ts';
import { wayWords } from './ways.ts';
import { lineBreak } from './locate.ts';
import { full, good } from './sample.ts';
import { matrixSchema, toJsonSchema } from './schema.ts';

describe('a good matrix', () => {
  it('loads with its defaults filled in', () => {
    const loaded = loadMatrix(good, '/some/folder/m.yaml');
    if (!loaded.ok) throw new Error('it does not load');
    const { matrix } = loaded;
    expect(matrix).toMatchObject({ name: 'quick', seed: 1, runtimes: ['none'], exclude: [], expect: [] });
    expect(matrix.distros.get('debian-13')?.ways).toEqual([
      {
        driver: 'qemu',
        kernel: { kind: 'deb', text: 'deb:trixie', suite: 'trixie', package: null, version: null },
        cpus: 2,
        userland: null,
        memoryMiB: 512,
        cmdline: null,
      },
    ]);
  });

  it('loads with all that it can have', () => {
    expect(loadMatrix(full, 'm.yaml').ok).toBe(true);
  });

  it('can be every matrix that comes with frostline', async () => {
    const folder = new URL('../../matrices/', import.meta.url).pathname;
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml'));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) expect(await loadMatrixFile(join(folder, file))).toMatchObject({ ok: true });
  });

  it('gives the packages of a kernel, those of files relative to its folder', () => {
    const sum = 'a1'.repeat(32);
    const text = `>-\n      rpm:https://a.example/x+1.rpm,sha256=${sum}\n      + ../b.rpm`;
    const loaded = loadMatrix(
      good.replace('{ driver: qemu, kernel: "deb:trixie" }', `\n    driver: qemu\n    kernel: ${text}`),
      '/a/b/m.yaml',
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
    const parts = [
      { place: 'https://a.example/x+1.rpm', isUrl: true, sha256: sum },
      { place: '/a/b.rpm', isUrl: false, sha256: null },
    ];
    expect(loaded.matrix.distros.get('debian-13')?.ways[0]).toMatchObject({ kernel: { kind: 'rpm', parts } });
  });

  it('gives a path kernel relative to its folder', () => {
    const loaded = loadMatrix(good.replace('deb:trixie', 'path:../bzImage,modules=/lib/m'), '/a/b/m.yaml');
    expect(loaded.ok && loaded.matrix.distros.get('debian-13')?.ways[0]).toMatchObject({
      kernel: { image: '/a/bzImage', modules: '/lib/m' },
    });
  });

  it('gives the key of an existing host relative to its folder, and the defaults of SSH', () => {
    const ssh = '{ driver: ssh, host: db1.example.org, key: keys/lab }';
    const loaded = loadMatrix(good.replace('{ driver: qemu, kernel: "deb:trixie" }', ssh), '/a/b/m.yaml');
    expect(loaded.ok && loaded.matrix.distros.get('debian-13')?.ways).toEqual([
      {
        ...{ driver: 'ssh', host: 'db1.example.org', port: 22, user: 'root', sudo: false },
        ...{ key: '/a/b/keys/lab', hostKey: null },
      },
    ]);
  });

  it('may have several ways to the machines of a distro', () => {
    const several = '{ ways: [{ driver: qemu, kernel: "path:x" }, { driver: qemu, kernel: "deb:trixie" }] }';
    const loaded = loadMatrix(good.replace('{ driver: qemu, kernel: "deb:trixie" }', several), 'm.yaml');
    const ways = loaded.ok ? loaded.matrix.distros.get('debian-13')?.ways : undefined;
    expect(ways?.map(wayWords)).toEqual(['qemu, path:x', 'qemu, deb:trixie']);
  });

  it('takes a box of Vagrant, and a cloud image in place of a kernel', () => {
    const of = (way: string): unknown => {
      const loaded = loadMatrix(good.replace('{ driver: qemu, kernel: "deb:trixie" }', way), '/a/b/m.yaml');
      return loaded.ok ? loaded.matrix.distros.get('debian-13')?.ways[0] : loaded.findings;
    };
    const whole = { cpus: 2, memoryMiB: 1024, cmdline: null };
    expect(of('{ driver: vagrant, box: generic/centos7, boxVersion: 4.3.12, install: [runc] }')).toEqual({
      ...{ driver: 'vagrant', box: 'generic/centos7', boxVersion: '4.3.12', provider: 'libvirt' },
      ...{ ...whole, install: ['runc'] },
    });
    expect(of('{ driver: vagrant, box: ./my.box, provider: virtualbox }')).toMatchObject({
      box: '/a/b/my.box',
      provider: 'virtualbox',
    });
    expect(of('{ driver: qemu, image: "path:images/a b.qcow2", cmdline: "a=b" }')).toEqual({
      ...{ driver: 'image', ...whole, cmdline: 'a=b', install: [] },
      image: { text: 'path:images/a b.qcow2', place: '/a/b/images/a b.qcow2', isUrl: false, sha256: null },
    });
    const url = `url:https://example.org/a.qcow2,sha256=${'0'.repeat(64)}`;
    expect(of(`{ driver: qemu, image: "${url}", memory: 2048 }`)).toMatchObject({
      memoryMiB: 2048,
      image: { place: 'https://example.org/a.qcow2', isUrl: true, sha256: '0'.repeat(64) },
    });
  });

  it('may use anchors', () => {
    const text = good.replace(
      '{ driver: qemu, kernel: "deb:trixie" }',
      '&d { driver: qemu, kernel: "deb:trixie" }\n  other: *d',
    );
    expect(loadMatrix(text, 'm.yaml').ok).toBe(true);
  });

  it('has a schema that describes every key', () => {
    const bare = (schema: unknown, path: string): string[] => {
      if (typeof schema !== 'object' || schema === null) return [];
      return Object.entries(schema).flatMap(([key, value]) => {
        const wanting =
          path.endsWith('/properties') && (value as { description?: string }).description === undefined;
        return [...(wanting ? [`${path}/${key}`] : []), ...bare(value, `${path}/${key}`)];
      });
    };
    expect(bare(JSON.parse(toJsonSchema()), '')).toEqual([]);
  });

  it('has the schema that editors are given', async () => {
    expect(await readFile(new URL('../../matrices/schema.json', import.meta.url), 'utf8')).toBe(
      toJsonSchema(),
    );
  });
});

describe('a file of bytes', () => {
  it.each([
    ['invalid UTF-8', Buffer.from('name: \xe9\n', 'latin1'), '1:7 yaml'],
    ['UTF-16', Buffer.from('\ufeffname: quick\n', 'utf16le'), '1:1 yaml'],
    ['a program', Buffer.from('\x7fELF\x02\x01\0', 'latin1'), '1:7 yaml'],
  ])('%s', async (_, bytes, expected) => {
    const file = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'm.yaml');
    await writeFile(file, bytes);
    const loaded = await loadMatrixFile(file);
    expect(loaded.ok ? [] : loaded.findings.map((one) => `${one.line}:${one.column} ${one.code}`)).toEqual([
      expected,
    ]);
  });
});

describe('the loader', () => {
  it('warns of a strategy that no cell uses', () => {
    const loaded = loadMatrix(good.replace('[v1, v2]', '[v2]') + '  old: { preset: rewrite }\n', 'm.yaml');
    expect(loaded.ok && loaded.warnings).toMatchObject([
      { line: 10, column: 3, path: 'strategies.old', code: 'unused-strategy', formsFor: ['v1'] },
    ]);
  });

  it('finds kernels and modules that are not there', async () => {
    const loaded = loadMatrix(good.replace('deb:trixie', `path:none,modules=.`), '/proc/m.yaml');
    if (!loaded.ok) throw new Error('it does not load');
    expect(await findMissingFiles(loaded.matrix, 'm.yaml')).toMatchObject([
      { line: 5, column: 38, code: 'missing-file', what: 'kernel image', at: '/proc/none' },
    ]);
  });

  it('finds packages that are not there', async () => {
    const loaded = loadMatrix(good.replace('deb:trixie', 'rpm:none.rpm'), '/proc/m.yaml');
    if (!loaded.ok) throw new Error('it does not load');
    expect(await findMissingFiles(loaded.matrix, 'm.yaml')).toMatchObject([
      { line: 5, column: 38, code: 'missing-file', what: 'kernel package', at: '/proc/none.rpm' },
    ]);
  });

  /** What is wrong with the findings of a text: there are none, or positions outside of it, or broken messages. */
  const flaws = (input: string): string[] => {
    const loaded = loadMatrix(input, 'm.yaml');
    if (loaded.ok) return [];
    const lines = input.split(lineBreak);
    const wrong = loaded.findings.filter(
      (finding) =>
        (lines[finding.line - 1]?.length ?? -1) + 1 < finding.column ||
        /undefined|\[object/.test(explain(finding)),
    );
    return loaded.findings.length === 0 ? ['no finding'] : wrong.map((one) => JSON.stringify(one));
  };

  it('gives a matrix or findings in the text for anything at all', () => {
    const cut = fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 40 }), fc.string({ maxLength: 20 }));
    const mutated = fc
      .array(cut, { minLength: 1, maxLength: 4 })
      .map((cuts) =>
        cuts.reduce(
          (text, [at, length, insert]) => text.slice(0, at) + insert + text.slice(at + length),
          full,
        ),
      );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), mutated), (text) => {
        expect(flaws(text)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('gives a matrix or findings for a mapping of any shape', () => {
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('sleep', 'v1', 'single', 'd', '10s', 1),
    );
    const key = fc.constantFrom(
      ...[
        'driver',
        'kernel',
        'preset',
        'poll',
        'thawAt',
        'cycle',
        'distro',
        'workload',
        'rate',
        '__proto__',
        'x',
      ],
    );
    const inner = fc.dictionary(key, odd, { maxKeys: 4 });
    const part = fc.oneof(
      odd,
      inner,
      fc.array(fc.oneof(inner, odd)),
      fc.dictionary(key, fc.oneof(inner, odd)),
    );
    const keys = Object.keys(matrixSchema.shape);
    const matrix = fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), part), { selector: ([name]) => name });
    // random parts replace those of a valid matrix, so that each is invalid among valid ones
    const sound = {
      name: 'm',
      distros: { d: { driver: 'qemu', kernel: 'deb:trixie' } },
      cgroups: ['v1'],
      workloads: ['sleep'],
      strategies: { single: { preset: 'single' } },
    };
    fc.assert(
      fc.property(matrix, (parts) => {
        expect(flaws(JSON.stringify({ ...sound, ...Object.fromEntries(parts) }))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});
