import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../base/command.ts';

/** A file, folder, link or device of the guest's root, by its path in the guest without a leading slash. */
export type Entry =
  | { readonly type: 'dir'; readonly path: string; readonly mode?: number }
  | { readonly type: 'file'; readonly path: string; readonly from: string; readonly mode?: number }
  | { readonly type: 'link'; readonly path: string; readonly to: string }
  | { readonly type: 'char'; readonly path: string; readonly major: number; readonly minor: number };

/** mtree(5) writes special bytes as a backslash and three octal digits. */
const escape = (path: string): string =>
  path.replaceAll(/[^\w./+=:,@%-]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);

/** The mtree specification of some entries, all owned by root, as bsdtar reads it. */
export function toMtree(entries: readonly Entry[]): string {
  const lines = entries.map((e) => {
    const head = `./${escape(e.path)} uid=0 gid=0 time=0`;
    switch (e.type) {
      case 'dir':
        return `${head} type=dir mode=${(e.mode ?? 0o755).toString(8)}`;
      case 'file':
        return `${head} type=file mode=${(e.mode ?? 0o644).toString(8)} contents=${escape(e.from)}`;
      case 'link':
        return `${head} type=link mode=777 link=${escape(e.to)}`;
      case 'char':
        return `${head} type=char mode=600 device=native,${e.major},${e.minor}`;
    }
  });
  return `#mtree\n${lines.join('\n')}\n`;
}

/**
 * Writes a newc cpio archive, uncompressed (under emulation, unpacking costs more than reading). The kernel unpacks
 * archives that follow one another in an initrd, so images are joined by concatenation
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Needs no root: bsdtar takes owners and devices from the
 * specification.
 */
export async function writeCpio(dir: string, name: string, entries: readonly Entry[]): Promise<string> {
  const spec = join(dir, `${name}.mtree`);
  const out = join(dir, `${name}.cpio`);
  await writeFile(spec, toMtree(entries), { mode: 0o600 });
  await command(['bsdtar', '--format', 'newc', '-cf', out, `@${spec}`], { cwd: dir });
  return out;
}
