import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

/** The tests that FAULTS.md names: a file, and the beginning of a test's title in it. */
const named = [...read('FAULTS.md').matchAll(/`(\S+\.test\.ts)`: ([^<|]+?)(?= *(?:<br>|\|))/g)].map(
  ([, file = '', name = '']) => [file, name] as const,
);

describe('the table of faults', () => {
  it('has a test on each of its lines', () => {
    const lines = read('FAULTS.md')
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (fault|---)/.test(line));
    expect(lines.length).toBeGreaterThan(35);
    expect(lines.filter((line) => !/`: .+ \|$/.test(line))).toEqual([]);
    expect(named.length).toBeGreaterThanOrEqual(lines.length);
  });

  it.each(named)('%s has "%s"', (file, name) => {
    expect(['"', "'", '`'].some((quote) => read(file).includes(quote + name))).toBe(true);
  });
});

it('SECURITY.md names tests that exist', () => {
  const files = [...read('../SECURITY.md').matchAll(/`(\S+\.test\.ts)`/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(15);
  expect(files.filter((file) => !existsSync(new URL(file, import.meta.url)))).toEqual([]);
});
