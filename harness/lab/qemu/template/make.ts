import { open, writeFile } from 'node:fs/promises';
import { command } from '../../../base/command.ts';
import { Scope } from '../../../base/scope.ts';
import * as device from '../devices.ts';
import { bootGuest, type MachinePlan } from '../machine.ts';
import { saveState } from './state.ts';
import { diskFile, kernelFile, ramFile, sealTemplate, stateFile, type Template } from './template.ts';
import { lineSocket, settle } from './wake.ts';

/** Boots a machine with its RAM in a file of `dir`, lets it settle, and saves it there. */
export async function makeTemplate(plan: MachinePlan, dir: string): Promise<Omit<Template, 'dir'>> {
  await using scope = new Scope();
  const { root, hardware, memoryMiB, signal } = plan;
  // clones need what the guest writes before it is saved, so the template has its own copy of the disk
  if (root !== null)
    await command(['cp', '--sparse=always', '--reflink=auto', root, diskFile(dir)], { signal });
  const guest = await bootGuest(plan, scope, {
    root: root === null ? [] : [device.root(diskFile(dir), hardware.disk, true)],
    more: (folder) => [device.memory(ramFile(dir), memoryMiB, 'on'), device.line(lineSocket(folder))],
  });
  const { stdout } = await guest.remote.run('uname -r', 20_000);
  // clones must not wake with the remains of a dead connection
  guest.remote[Symbol.dispose]();
  await settle(guest.dir, signal);
  await saveState(guest.qmp, { dir: guest.dir, file: stateFile(dir), signal });
  await writeHead(plan.image, kernelFile(dir));
  // the disk is complete only once QEMU has ended
  await scope[Symbol.asyncDispose]();
  return sealTemplate(dir, stdout.trim());
}

/** More than any kernel's real-mode part, which QEMU's loader reads in full (Documentation/arch/x86/boot.rst). */
const headBytes = 128 * 1024;

/** QEMU chooses its ROMs, which must be the template's, by this head; a whole image has 10 MB and more to read. */
async function writeHead(kernel: string, file: string): Promise<void> {
  await using image = await open(kernel);
  const { buffer, bytesRead } = await image.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  await writeFile(file, buffer.subarray(0, bytesRead), { mode: 0o600 });
}
