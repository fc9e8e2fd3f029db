import { existsSync, readFileSync } from 'node:fs';

/** The built script: in the package, and in a checkout built by `scripts/frostline`, it is beside the command line. */
const built = new URL('../../page.js', import.meta.url);
const source = new URL('../../page/main.ts', import.meta.url);

/**
 * The script of a page with all its imports; in a checkout that runs from source it is bundled here. A `</script` in it
 * would end its element; esbuild never emits one.
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
