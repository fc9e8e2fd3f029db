import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('.', import.meta.url).pathname;

/**
 * Which folder may import which: no layer imports a later one. A name with a slash is one file of a
 * folder. Tests and their helpers may import anything.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'events.ts': ['plan', 'record'],
  base: ['errors.ts'],
  matrix: [],
  plan: ['errors.ts', 'matrix'],
  guest: ['errors.ts', 'base'],
  lab: ['errors.ts', 'base', 'guest', 'matrix'],
  trial: ['errors.ts', 'base', 'lab/kernel.ts', 'lab/machine.ts', 'matrix', 'plan'],
  record: ['errors.ts', 'base', 'lab/facts.ts', 'lab/kernel.ts', 'matrix', 'trial'],
  analyse: ['matrix', 'record', 'trial'],
  history: ['errors.ts', 'analyse', 'record', 'trial'],
  report: ['analyse', 'history/trend.ts', 'matrix/axes.ts'],
  page: ['analyse/times.ts', 'matrix/axes.ts', 'report'],
  progress: ['errors.ts', 'events.ts', 'report/escape.ts', 'trial'],
  'labs.ts': ['errors.ts', 'events.ts', 'lab', 'matrix', 'record'],
  schedule: [
    'errors.ts',
    'events.ts',
    'labs.ts',
    'lab/machine.ts',
    'matrix',
    'plan',
    'trial',
    'record',
    'analyse/sampler.ts',
  ],
  'machines.ts': ['errors.ts', 'labs.ts', 'lab', 'trial', 'record', 'schedule'],
  'run.ts': ['labs.ts', 'machines.ts', 'schedule'],
  commands: [
    'errors.ts',
    'events.ts',
    'run.ts',
    'base',
    'matrix',
    'plan',
    'lab',
    'trial',
    'record',
    'analyse',
    'history',
    'report',
    'progress',
  ],
  'cli.ts': ['errors.ts', 'commands'],
};

/** Packages that only these files or folders may use, so that each can be replaced in one place. */
const owners: Readonly<Record<string, readonly string[]>> = {
  ssh2: ['lab/remote.ts'],
  'js-yaml': ['matrix/'],
  zx: ['base/command.ts'],
  'p-limit': ['lab/online/matrix.ts'],
  commander: ['commands/program', 'cli.ts'],
  '@duckdb/node-api': ['history/duck.ts'],
  'log-update': ['progress/live.ts'],
};

/** Files that import only types, so that importing them loads nothing else. */
const typesOnly: readonly string[] = ['events.ts'];

interface Import {
  readonly file: string;
  readonly from: string;
  readonly isType: boolean;
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('testing/'))
  .sort();

// `import ... from 'x'` and `export ... from 'x'`, then `import 'x'` and `import('x')`
const statement =
  /^(?:import|export)(?<type> type)?\b[^;]*?\bfrom '(?<from>[^']+)'|(?:^import |\bimport\()'(?<whole>[^']+)'/gm;

const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(statement)].map(({ groups }) => ({
    file,
    from: groups?.['from'] ?? groups?.['whole'] ?? '',
    isType: groups?.['type'] !== undefined,
  }));
});

const part = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : file);
const target = ({ file, from }: Import): string => normalize(join(file, '..', from));
const isCovered = (one: Import, entry: string): boolean =>
  entry === part(target(one)) || entry === target(one);
const between = imports.filter((one) => one.from.startsWith('.') && part(one.file) !== part(target(one)));
const told = (wrong: readonly Import[]): string[] => wrong.map(({ file, from }) => `${file} imports ${from}`);

describe('imports', () => {
  it('are found, so that what follows means something', () => {
    expect(told(imports)).toContain('matrix/load.ts imports ./parse.ts');
    expect(between.length).toBeGreaterThan(50);
  });

  it('go from a station to earlier ones only', () => {
    const wrong = between.filter(
      (one) => !(allowed[part(one.file)] ?? []).some((entry) => isCovered(one, entry)),
    );
    expect(told(wrong)).toEqual([]);
  });

  it('have no entry in the tables that nothing uses', () => {
    const stale = Object.entries(allowed).flatMap(([from, to]) =>
      to
        .filter((entry) => !between.some((one) => part(one.file) === from && isCovered(one, entry)))
        .map((entry) => `${from} -> ${entry}`),
    );
    const gone = [...Object.keys(allowed), ...typesOnly].filter(
      (name) => !files.some((file) => part(file) === name),
    );
    const unowned = Object.keys(owners).filter((name) => !imports.some(({ from }) => from === name));
    expect([...stale, ...gone, ...unowned]).toEqual([]);
  });

  it('of a package with owners are in these places', () => {
    const wrong = imports.filter(
      ({ file, from }) => owners[from]?.some((owner) => file.startsWith(owner)) === false,
    );
    expect(told(wrong)).toEqual([]);
  });

  it('are of types alone where a file only says what there is', () => {
    expect(told(imports.filter(({ file, isType }) => typesOnly.includes(file) && !isType))).toEqual([]);
  });
});

describe('files', () => {
  it('are short', () => {
    const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 301);
    expect(long).toEqual([]);
  });
});
