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
  // what the guest wrote before it was saved has to be there for its clones
  if (root !== null)
    await command(['cp', '--sparse=always', '--reflink=auto', root, diskFile(dir)], { signal });
  const guest = await bootGuest(plan, scope, {
    root: root === null ? [] : [device.root(diskFile(dir), hardware.disk, true)],
    more: (folder) => [device.memory(ramFile(dir), memoryMiB, 'on'), device.line(lineSocket(folder))],
  });
  const { stdout } = await guest.remote.run('uname -r', 20_000);
  // its clones are to wake without the rest of a connection that is no more
  guest.remote[Symbol.dispose]();
  await settle(guest.dir, signal);
  await saveState(guest.qmp, { dir: guest.dir, file: stateFile(dir), signal });
  await writeHead(plan.image, kernelFile(dir));
  // the disk is whole once QEMU has ended
  await scope[Symbol.asyncDispose]();
  return sealTemplate(dir, stdout.trim());
}

/** More than any kernel's real-mode part, all of which QEMU's loader looks into (Documentation/arch/x86/boot.rst). */
const headBytes = 128 * 1024;

/** By what QEMU chooses its ROMs, which have to be the template's; it would read all of an image of 10 MB and more. */
async function writeHead(kernel: string, file: string): Promise<void> {
  await using image = await open(kernel);
  const { buffer, bytesRead } = await image.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  await writeFile(file, buffer.subarray(0, bytesRead), { mode: 0o600 });
}
