import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../base/command.ts';
import { cacheDir } from '../../base/paths.ts';
import { FrostlineError, inOneLine, sentence } from '../../errors.ts';
import { unpackClosure, type FetchOptions } from '../apt/closure.ts';

/** A working QEMU: how to start it, and its version. */
export interface QemuBinary {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  /** Whether it can confine itself with seccomp. */
  readonly hasSeccomp: boolean;
  /** Where it comes from; human-readable. */
  readonly origin: string;
}

const program = 'qemu-system-x86_64';
const suite = 'trixie';

/**
 * QEMU's TCG before 8.1 has a translation race that corrupts guests whose kernel patches its own text,
 * which a v1 freeze does from 6.1 on.
 */
export const isTrusted = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 8 || (major === 8 && minor >= 1);
};

/** `QEMU emulator version 10.0.13 (Debian ...)` -> `10.0.13`. */
export const parseVersion = (text: string): string | undefined => /version (\d+(?:\.\d+)+)/.exec(text)?.[1];

/** The version and features of a QEMU; undefined when it does not run. One built without seccomp refuses `-sandbox`. */
async function probe(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Pick<QemuBinary, 'version' | 'hasSeccomp'> | undefined> {
  for (const hasSeccomp of [true, false]) {
    const words = [...argv, ...(hasSeccomp ? ['-sandbox', 'on'] : []), '--version'];
    const { code, stdout } = await capture(words, { env, timeoutMs: 20_000 });
    const version = code === 0 ? parseVersion(stdout) : undefined;
    if (version !== undefined) return { version, hasSeccomp };
  }
  return undefined;
}

export interface FindOptions extends FetchOptions {
  /** Use only what is already on this host. */
  readonly offline?: boolean;
}

/**
 * The QEMU to use: the one that FROSTLINE_QEMU names; else the host's own if it is 8.1 or newer; else Debian trixie's
 * with all its libraries, unpacked into the cache and run by its own loader, so that nothing is installed and any host
 * runs the same emulator. If that cannot be fetched, an old QEMU of the host is used anyway (single-threaded, see
 * `accelerator`).
 */
export async function findQemu(options: FindOptions = {}): Promise<QemuBinary> {
  const named = process.env['FROSTLINE_QEMU'];
  if (named) {
    const found = await probe([named], {});
    if (found) return { argv: [named], env: {}, ...found, origin: `${named} (FROSTLINE_QEMU)` };
    throw new FrostlineError(`FROSTLINE_QEMU=${named} does not run.`, {
      code: 'host',
      todo: `Name a ${program}.`,
    });
  }
  const own = await probe([program], {});
  const host: QemuBinary | undefined = own
    ? { argv: [program], env: {}, ...own, origin: "the host's" }
    : undefined;
  if (host && isTrusted(host.version)) return host;
  try {
    return await (options.offline ? unpackedQemu() : privateQemu(options));
  } catch (error) {
    options.signal?.throwIfAborted();
    if (options.offline && !host) throw error;
    if (!host) {
      throw new FrostlineError('No QEMU on this host, and none could be fetched.', {
        code: 'host',
        todo: `Install qemu-system-x86 (8.1 or newer), or see why the fetch failed:\n  ${sentence(error)}`,
        cause: error,
      });
    }
    options.onWarning?.(
      `QEMU ${host.version} is older than 8.1 and no newer one could be fetched: ${inOneLine(error)}`,
    );
    return host;
  }
}

/** The private QEMU under `dir`, started by its own loader; undefined when it does not run. */
async function describe(dir: string): Promise<QemuBinary | undefined> {
  const lib = join(dir, 'usr/lib/x86_64-linux-gnu');
  const argv = [join(lib, 'ld-linux-x86-64.so.2'), '--library-path', lib, join(dir, 'usr/bin', program)];
  const env = { QEMU_MODULE_DIR: join(lib, 'qemu') };
  const found = await probe(argv, env);
  if (found === undefined) return undefined;
  const data = ['-L', join(dir, 'usr/share/qemu'), '-L', join(dir, 'usr/share/seabios')];
  return { argv: [...argv, ...data], env, ...found, origin: `Debian ${suite}'s, in the cache` };
}

/** Any QEMU that was unpacked into the cache before. */
async function unpackedQemu(): Promise<QemuBinary> {
  for (const name of await readdir(cacheDir('qemu')).catch(() => [])) {
    const qemu = name.startsWith('.') ? undefined : await describe(cacheDir('qemu', name));
    if (qemu) return qemu;
  }
  throw new FrostlineError('No QEMU 8.1 or newer on this host or in the cache.', { code: 'host' });
}

async function privateQemu(options: FetchOptions): Promise<QemuBinary> {
  const isSound = async (dir: string): Promise<boolean> => (await describe(dir)) !== undefined;
  const request = {
    suite,
    packages: ['qemu-system-x86'],
    into: ['qemu', ''],
    what: 'QEMU',
    isSound,
  } as const;
  const dir = await unpackClosure(request, options);
  const made = await describe(dir);
  if (made) return made;
  throw new FrostlineError(`The QEMU unpacked into ${dir} does not run.`, { code: 'host' });
}
