import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explain } from './matrix/finding.ts';
import { loadMatrix } from './matrix/load.ts';

const root = new URL('..', import.meta.url).pathname;
const docs = (await readdir(join(root, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md'));
const pages = ['README.md', 'SECURITY.md', 'harness/FAULTS.md', ...docs.map((name) => `docs/${name}`)];
const read = (page: string): Promise<string> => readFile(join(root, page), 'utf8');

/** Files of this checkout that a page links to, relative to its root. */
const placesOf = (page: string, text: string): string[] =>
  [...text.matchAll(/\]\(([^)#\s]+)|src="([^"]+)"/g)]
    .map(([, link, image]) => link ?? image!)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => relative(root, join(root, dirname(page), link)));

describe('the documentation', () => {
  it.each(pages)('%s leads to what is there', async (page) => {
    expect(placesOf(page, await read(page)).filter((place) => !existsSync(join(root, place)))).toEqual([]);
  });

  it('is led to from the README, each page of it', async () => {
    const reached = new Set(placesOf('README.md', await read('README.md')));
    expect(docs.map((name) => `docs/${name}`).filter((page) => !reached.has(page))).toEqual([]);
  });

  it('begins with a README that is read at once', async () => {
    const lines = (await read('README.md')).split('\n');
    expect(lines.length).toBeLessThanOrEqual(180);
    for (const command of ['scripts/quickstart ', 'scripts/test '])
      expect(lines.findIndex((line) => line.startsWith(command))).toBeLessThan(40);
  });

  it.each(pages)('%s has matrices that load', async (page) => {
    const fences = [...(await read(page)).matchAll(/^```ya?ml\n(.*?)^```$/gms)].map(([, text]) => text!);
    const whole = fences.filter((text) => /^name:/m.test(text) && /^distros:/m.test(text));
    const wrong = whole.flatMap((text) => {
      const loaded = loadMatrix(text, page);
      return loaded.ok ? [] : loaded.findings.map((one) => `${one.line}: ${explain(one)}`);
    });
    expect(wrong).toEqual([]);
  });
});
