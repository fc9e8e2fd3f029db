import { randomUUID } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256, sha256File } from '../../../base/files.ts';
import * as device from '../devices.ts';
import { argumentsOf, type MachinePlan } from '../machine.ts';

/** A machine that was booted once and saved: RAM, device state and, with a userland, its disk. */
export interface Template {
  readonly dir: string;
  /** Of its one boot. */
  readonly boot: string;
  readonly release: string;
}

/** Raised whenever what is saved, or how, changes: templates of another are not taken. */
const format = 1;

const stampSchema = z.object({
  boot: z.string(),
  release: z.string(),
  /** SHA-256 of each file. */
  files: z.record(z.string(), z.string()),
});

export const ramFile = (dir: string): string => join(dir, 'ram');
export const stateFile = (dir: string): string => join(dir, 'state');
export const diskFile = (dir: string): string => join(dir, 'disk');
const stampFile = (dir: string): string => join(dir, 'template.json');

/** Names a template by all that goes into it: QEMU and its command line, kernel, initrd, disk, and its number. */
export async function templateKey(plan: MachinePlan, number: number): Promise<string> {
  const { qemu, kernel, initrd, root } = plan;
  const nameless = { ...plan, id: '', run: '', console: '' };
  const args = argumentsOf(nameless, '', [device.boot(kernel, '')]);
  const made = [qemu.version, qemu.origin, JSON.stringify(args), await sha256File(kernel)];
  const parts = await Promise.all(
    [initrd.base, initrd.modules, ...(root === null ? [] : [root])].map(stampOf),
  );
  return sha256(String(format), String(number), ...made, ...parts).slice(0, 16);
}

/** These are cached by their contents: a path and a size tell them apart. */
async function stampOf(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file);
  return `${file} ${size} ${mtimeMs}`;
}

/** Writes, last of all, what says that the folder is a whole template. */
export async function sealTemplate(dir: string, release: string): Promise<void> {
  const files: Record<string, string> = {};
  for (const name of ['ram', 'state', 'disk']) {
    if (await stat(join(dir, name)).catch(() => null)) files[name] = await sha256File(join(dir, name));
  }
  await writeFile(stampFile(dir), JSON.stringify({ boot: randomUUID(), release, files }));
}

/** The template in a folder; undefined when there is none, or a file of it is not what was saved. */
export async function readTemplate(dir: string): Promise<Template | undefined> {
  try {
    const { boot, release, files } = stampSchema.parse(JSON.parse(await readFile(stampFile(dir), 'utf8')));
    const found = await Promise.all(Object.keys(files).map((name) => sha256File(join(dir, name))));
    return Object.values(files).every((hash, i) => hash === found[i]) ? { dir, boot, release } : undefined;
  } catch {
    return undefined;
  }
}
