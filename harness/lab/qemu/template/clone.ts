import { until } from '../../../base/deadline.ts';
import { Scope } from '../../../base/scope.ts';
import { sentence } from '../../../errors.ts';
import { makeKeys } from '../../rootfs/keys.ts';
import * as device from '../devices.ts';
import { argumentsOf, connect, QemuMachine, type MachinePlan } from '../machine.ts';
import { makeMachineFolder, notBooted, startMachine, type Child } from '../process.ts';
import { loadState } from './state.ts';
import { diskFile, kernelFile, ramFile, stateFile, type Template } from './template.ts';
import { lineSocket, wake } from './wake.ts';

/** Starts a machine from a template, which stays unchanged: RAM and disk are copied on write. */
export async function startClone(plan: MachinePlan, template: Template): Promise<QemuMachine> {
  const scope = new Scope();
  try {
    const dir = await makeMachineFolder(plan, scope);
    const args = argumentsOf(plan, dir, devicesOf(plan, template, dir));
    const { port, ...started } = await startMachine(plan, { dir, args, scope });
    await loadState(started.qmp, { dir, file: stateFile(template.dir), signal: plan.signal }).catch(
      (error: unknown) => lost(plan, started.child, error),
    );
    const keys = makeKeys();
    const clone = await wake(dir, keys, plan.signal);
    const { remote, endpoint } = await connect(plan, { port, keys, scope });
    const { boot, release } = template;
    return new QemuMachine({
      ...{ plan, scope, ...started, remote, endpoint },
      ...{ boot, release, template: { clone, failed: null } },
    });
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

/** Rejects with QEMU's own message when it refuses the state; QEMU prints it as it exits. */
async function lost(plan: MachinePlan, child: Child, error: unknown): Promise<never> {
  const ended = { ms: 1000, what: 'QEMU to end', signal: plan.signal };
  const why = await until(ended, 5, () => child.over).catch(() => sentence(error));
  throw notBooted(plan, `QEMU rejected its saved state: ${why}`);
}

/** The template's devices. The kernel is in the template's RAM; `-kernel` only makes QEMU load the same ROMs. */
const devicesOf = (plan: MachinePlan, template: Template, dir: string): device.Device[] => [
  { qemu: ['-kernel', kernelFile(template.dir)] },
  ...(plan.root === null ? [] : [device.root(diskFile(template.dir), plan.hardware.disk)]),
  device.memory(ramFile(template.dir), plan.memoryMiB, 'off'),
  device.line(lineSocket(dir)),
  device.incoming,
];
