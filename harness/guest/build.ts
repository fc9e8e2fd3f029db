import { chmod, readFile, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capture } from '../base/command.ts';
import { makeFolder, sha256 } from '../base/files.ts';
import { cacheDir } from '../base/paths.ts';
import { FrostlineError } from '../errors.ts';

/** Static glibc: one binary runs on any kernel from 3.2 on, whatever libc the guest has. */
const flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-pthread'];

/** The C sources: beside this file or, in a built package, in its harness folder. */
async function sourceDir(): Promise<string> {
  const here = dirname(fileURLToPath(import.meta.url));
  const packaged = join(here, '../../harness/guest');
  return (await stat(join(here, 'main.c')).catch(() => null)) ? here : packaged;
}

async function listSources(dir: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true });
  return names.filter((name) => /\.[ch]$/.test(name) && !name.startsWith('tests/')).sort();
}

async function version(dir: string): Promise<string> {
  const text = await readFile(join(dir, '../../package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/**
 * The path of the guest program frostbite, built with the host's `cc` unless these sources were built before.
 * Rejects ('host') without a compiler or static libc.
 */
export async function frostbitePath(): Promise<string> {
  const dir = await sourceDir();
  const sources = await listSources(dir);
  const texts = await Promise.all(sources.map((name) => readFile(join(dir, name), 'utf8')));
  const compiler = await capture(['cc', '--version']);
  if (compiler.code !== 0) throw noCompiler(compiler.stderr);
  const define = `-DFROSTBITE_VERSION="${await version(dir)}"`;
  const hash = sha256(compiler.stdout, define, ...flags, ...sources, ...texts).slice(0, 16);
  const folder = cacheDir('frostbite', hash);
  const binary = join(folder, 'frostbite');
  if (await stat(binary).catch(() => null)) return binary;
  await makeFolder(folder, async (draft) => {
    const out = join(draft, 'frostbite');
    const inputs = sources.filter((name) => name.endsWith('.c')).map((name) => join(dir, name));
    const { code, stderr } = await capture(['cc', ...flags, define, '-o', out, ...inputs]);
    if (code !== 0) throw noCompiler(stderr);
    await chmod(out, 0o755);
  });
  return binary;
}

const noCompiler = (stderr: string): FrostlineError =>
  new FrostlineError(
    `frostbite, the guest program, could not be built:\n  ${stderr.trim().split('\n').slice(-4).join('\n  ')}`,
    {
      code: 'host',
      todo: 'It needs a C compiler and a static libc: apt-get install gcc libc6-dev',
    },
  );
