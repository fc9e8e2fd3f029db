import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('.', import.meta.url).pathname;

/**
 * Which folder may import which: no station imports a later one. A name with a slash is one file.
 * Tests and what is made for them may import anything.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'events.ts': ['plan', 'record'],
  base: ['errors.ts'],
  matrix: [],
  plan: ['errors.ts', 'matrix'],
  guest: ['errors.ts', 'base'],
  lab: ['errors.ts', 'base', 'guest', 'matrix'],
  trial: ['errors.ts', 'base', 'lab', 'matrix', 'plan'],
  record: ['errors.ts', 'base', 'lab', 'trial'],
  analyse: ['matrix', 'record', 'trial'],
  report: ['analyse'],
  progress: ['errors.ts', 'events.ts', 'report', 'trial'],
  'run.ts': ['events.ts', 'lab', 'matrix', 'plan', 'record', 'trial'],
  commands: [
    'errors.ts',
    'events.ts',
    'run.ts',
    'base',
    'matrix',
    'plan',
    'lab',
    'record',
    'analyse',
    'report',
    'progress',
  ],
  'cli.ts': ['errors.ts', 'commands'],
};

/** Packages that one file or folder alone may use, so that they can be replaced there. */
const owners: Readonly<Record<string, string>> = {
  ssh2: 'lab/remote.ts',
  'js-yaml': 'matrix/',
  zx: 'base/command.ts',
  'p-limit': 'run.ts',
  commander: 'commands/',
  'log-update': 'progress/live.ts',
};

interface Import {
  readonly file: string;
  readonly from: string;
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('testing/'))
  .sort();

const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\('([^']+)'\)/gm)].map(
    (match) => ({
      file,
      from: match[1] ?? match[2]!,
    }),
  );
});

const part = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : file);
const target = ({ file, from }: Import): string => part(normalize(join(file, '..', from)));
const local = imports.filter(({ from }) => from.startsWith('.'));

describe('imports', () => {
  it('go from a station to earlier ones only', () => {
    const wrong = local.filter(
      (one) => part(one.file) !== target(one) && !(allowed[part(one.file)] ?? []).includes(target(one)),
    );
    expect(wrong.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
  });

  it('have no entry in the table that nothing uses', () => {
    const used = new Set(local.map((one) => `${part(one.file)} -> ${target(one)}`));
    const stale = Object.entries(allowed)
      .flatMap(([from, to]) => to.map((name) => `${from} -> ${name}`))
      .filter((entry) => !used.has(entry));
    expect(stale).toEqual([]);
  });

  it('of a package with one owner are in that place', () => {
    const wrong = imports.filter(({ file, from }) => {
      const owner = owners[from];
      return owner !== undefined && !file.startsWith(owner) && !(from === 'commander' && file === 'cli.ts');
    });
    expect(wrong.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
  });
});

describe('files', () => {
  it('are short', () => {
    const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 301);
    expect(long).toEqual([]);
  });
});
