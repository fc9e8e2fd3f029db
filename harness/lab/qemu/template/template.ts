import { randomUUID } from 'node:crypto';
import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { removeUnused, sha256, sha256File } from '../../../base/files.ts';
import * as device from '../devices.ts';
import { argumentsOf, type MachinePlan } from '../machine.ts';

/** A machine that was booted once and saved: RAM, device state and, with a userland, its disk. */
export interface Template {
  readonly dir: string;
  /** The id of its one boot. */
  readonly boot: string;
  readonly release: string;
}

/** Raise whenever what is saved, or how, changes: templates of another format are not used. */
const format = 2;

const stampSchema = z.object({
  boot: z.string(),
  release: z.string(),
  /** SHA-256 of each file. */
  files: z.record(z.string(), z.string()),
});

export const ramFile = (dir: string): string => join(dir, 'ram');
export const stateFile = (dir: string): string => join(dir, 'state');
export const diskFile = (dir: string): string => join(dir, 'disk');
/** The beginning of its kernel's image: the kernel itself is in its RAM. */
export const kernelFile = (dir: string): string => join(dir, 'kernel');
const stampFile = (dir: string): string => join(dir, 'template.json');

/** The name of a template: a hash of QEMU and its command line, kernel, initrd, disk, and the template's number. */
export async function templateKey(plan: MachinePlan, number: number): Promise<string> {
  const { qemu, kernel, initrd, root } = plan;
  const nameless = { ...plan, id: '', run: '', console: '' };
  const args = argumentsOf(nameless, '', [device.boot(kernel, '')]);
  const made = [qemu.version, qemu.origin, JSON.stringify(args)];
  const files = [kernel, initrd.base, initrd.modules, ...(root === null ? [] : [root])];
  const hashes = await Promise.all(files.map(hashOf));
  return sha256(String(format), String(number), ...made, ...hashes).slice(0, 16);
}

const hashes = new Map<string, Promise<string>>();

/** The cached SHA-256 of a file, which is read again when it has changed. */
async function hashOf(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file);
  const stamp = `${file} ${size} ${mtimeMs}`;
  const hash = hashes.get(stamp) ?? sha256File(file);
  hashes.set(stamp, hash);
  return hash;
}

/** Writes the stamp that marks the folder as a complete template; done last. */
export async function sealTemplate(dir: string, release: string): Promise<Omit<Template, 'dir'>> {
  const files: Record<string, string> = {};
  for (const file of [ramFile(dir), stateFile(dir), diskFile(dir), kernelFile(dir)]) {
    if (await stat(file).catch(() => null)) files[basename(file)] = await sha256File(file);
  }
  const boot = randomUUID();
  await writeFile(stampFile(dir), JSON.stringify({ boot, release, files }));
  return { boot, release };
}

/** The template in a folder; undefined when there is none, or when the checksum of a file does not match. */
export async function readTemplate(dir: string): Promise<Template | undefined> {
  try {
    const { boot, release, files } = stampSchema.parse(JSON.parse(await readFile(stampFile(dir), 'utf8')));
    for (const [name, hash] of Object.entries(files)) {
      if ((await sha256File(join(dir, name))) !== hash) return undefined;
    }
    return { dir, boot, release };
  } catch {
    return undefined;
  }
}

/** Records that a template is used now. */
export const markUsed = ({ dir }: Template): Promise<void> => utimes(stampFile(dir), new Date(), new Date());

/** Removes templates that have not been used for a while, such as those of outdated kernels. */
export const pruneTemplates = (folder: string): Promise<void> =>
  removeUnused(folder, (name) => stampFile(join(folder, name)));
