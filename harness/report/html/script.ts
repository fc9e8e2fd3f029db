import { existsSync, readFileSync } from 'node:fs';

/** Where `scripts/frostline` and the package have the page's script, beside the built command line. */
const built = new URL('../../page.js', import.meta.url);
const source = new URL('../../page/main.ts', import.meta.url);

/**
 * The script of a page, with all that it imports. In a checkout that runs from its sources it is bundled here.
 * A `</script` in it would end its element; esbuild writes none.
 */
export async function pageScript(): Promise<string> {
  if (existsSync(built)) return readFileSync(built, 'utf8');
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [source.pathname],
    ...{ bundle: true, minify: true, write: false, format: 'iife', target: 'es2022', logLevel: 'error' },
  });
  return outputFiles[0]!.text;
}
