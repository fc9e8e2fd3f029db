import { command } from '../../../base/command.ts';
import { Scope } from '../../../base/scope.ts';
import { FrostlineError } from '../../../errors.ts';
import * as device from '../devices.ts';
import { bootGuest, type MachinePlan } from '../machine.ts';
import { saveState } from './state.ts';
import { diskFile, ramFile, sealTemplate, stateFile, type Template } from './template.ts';
import { lineSocket, sleepCommand } from './wake.ts';

/** Boots a machine with its RAM in a file of `dir`, puts frostbite to sleep in it, and saves it there. */
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
  const asleep = await guest.remote.run(`uname -r; ${sleepCommand}`, 20_000);
  const [release = '', said = ''] = asleep.stdout.split('\n');
  if (said !== 'asleep') {
    const why = asleep.stdout + asleep.stderr;
    throw new FrostlineError(`${plan.id}: expected frostbite to fall asleep, got ${JSON.stringify(why)}`, {
      code: 'machine',
    });
  }
  await saveState(guest.qmp, { dir: guest.dir, file: stateFile(dir), signal });
  // the disk is whole once QEMU has ended
  await scope[Symbol.asyncDispose]();
  return sealTemplate(dir, release);
}
