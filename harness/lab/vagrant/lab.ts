import { join } from 'node:path';
import { capture } from '../../base/command.ts';
import { Scope } from '../../base/scope.ts';
import { FrostlineError } from '../../errors.ts';
import type { VagrantWay } from '../../matrix/matrix.ts';
import type { BootRequest, Lab, LabContext } from '../lab.ts';
import { rememberedKvm } from '../qemu/accelerator.ts';
import { isTrusted, parseVersion } from '../qemu/binary.ts';
import { findAccount, type Account } from './account.ts';
import { fetchBox, type Box } from './boxes.ts';
import { Vagrant } from './command.ts';
import { describeMachine, freePort, makeMachineFolder, vagrantFiles, type MachineFile } from './folder.ts';
import { VagrantMachine } from './machine.ts';
import { takeDown } from './down.ts';

/** A whole distro boots slowly under emulation. */
const bootTimeoutSeconds = 300;
/** Copying the box's disk, installing tools: besides the boot. */
const upTimeoutMs = (bootTimeoutSeconds + 600) * 1000;
const overheadMiB = 150;
const program = 'qemu-system-x86_64';

/** Opens vagrant. Rejects ('host') when it is not here, or there is no user to run it as. */
export async function openVagrantLab(context: LabContext): Promise<VagrantLab> {
  const { code, stdout } = await capture(['sh', '-c', 'vagrant --version 2> /dev/null']);
  if (code !== 0)
    throw new FrostlineError('The driver `vagrant` needs vagrant, which is not here.', {
      code: 'host',
      todo: 'scripts/setup-vagrant installs it, with libvirt.',
    });
  const account = await findAccount();
  const asked = await capture(['sh', '-c', `${program} --version 2> /dev/null`]);
  const qemu = parseVersion(asked.stdout) ?? null;
  return new VagrantLab(context, account, { vagrant: stdout.trim().replace('Vagrant ', ''), qemu });
}

/** Machines that vagrant makes, each from a folder of its own. */
export class VagrantLab implements Lab<VagrantWay> {
  readonly description: string;
  readonly #context: LabContext;
  readonly #account: Account;
  readonly #qemu: string | null;
  readonly #boxes = new Map<string, Promise<Box>>();
  #isWarned = false;

  constructor(context: LabContext, account: Account, versions: { vagrant: string; qemu: string | null }) {
    this.#context = context;
    this.#account = account;
    this.#qemu = versions.qemu;
    this.description = `Vagrant ${versions.vagrant}`;
  }

  memoryOf(way: VagrantWay): number {
    return way.memoryMiB + overheadMiB;
  }

  async prepare(way: VagrantWay): Promise<void> {
    await this.#box(way);
    if (way.provider === 'libvirt') await this.#warn();
  }

  #box(way: VagrantWay): Promise<Box> {
    const key = [way.box, way.boxVersion, way.provider].join(' ');
    const known = this.#boxes.get(key) ?? fetchBox(this.#account, way, this.#context);
    this.#boxes.set(key, known);
    return known;
  }

  /** libvirt takes the host's QEMU: one that frostline unpacks is not its own. */
  async #warn(): Promise<void> {
    if (this.#isWarned || this.#qemu === null || isTrusted(this.#qemu) || (await this.#accel()) === 'kvm')
      return;
    this.#isWarned = true;
    this.#context.onWarning(
      `libvirt runs the host's QEMU ${this.#qemu}, which is older than 8.1: its emulation is not to be trusted with the v1 freezer from Linux 6.1 on.`,
    );
  }

  /** KVM where a kernel has booted under it before, by the driver `qemu`. */
  async #accel(): Promise<'kvm' | 'tcg'> {
    if (process.env['FROSTLINE_ACCEL'] === 'tcg' || this.#qemu === null) return 'tcg';
    return (await rememberedKvm({ version: this.#qemu }))?.works ? 'kvm' : 'tcg';
  }

  async boot({ id, way, signal }: BootRequest<VagrantWay>): Promise<VagrantMachine> {
    const box = await this.#box(way);
    const scope = new Scope();
    try {
      const dir = await makeMachineFolder(this.#account, this.#context.run, id);
      scope.defer(() => takeDown(this.#account, dir, id));
      const file = await this.#describe({ id, way, box, dir });
      await describeMachine(dir, file);
      const vagrant = new Vagrant(this.#account, dir, id);
      await vagrant.up(way.provider, upTimeoutMs, signal);
      const parts = {
        ...{ id, dir, file, vagrant, scope },
        qemu: way.provider === 'libvirt' ? this.#qemu : null,
        consoleLog: join(this.#context.consoles, `${id}.log`),
        ...{ box: way.box, cmdline: box.boot === null ? way.cmdline : null },
        bootTimeoutMs: bootTimeoutSeconds * 1000,
        onWarning: this.#context.onWarning,
      };
      return await VagrantMachine.enter(parts, signal);
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #describe(of: { id: string; way: VagrantWay; box: Box; dir: string }): Promise<MachineFile> {
    const { id, way, box, dir } = of;
    const accel = await this.#accel();
    const script = join(vagrantFiles, 'provision/install-tools.sh');
    // without a boot loader of its own to ask, the box's arguments are these
    const own =
      box.boot === null ? null : `root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet ${way.cmdline ?? ''}`;
    return {
      ...{ run: this.#context.run, name: id, box: box.name, boxVersion: box.version, provider: way.provider },
      ...{ accel, cpuModel: accel === 'kvm' ? null : 'Nehalem', cpus: way.cpus, memoryMiB: way.memoryMiB },
      ...{ port: await freePort(), kernel: box.boot?.kernel ?? null, initrd: box.boot?.initrd ?? null },
      ...{ cmdline: own?.trim() ?? null, console: join(dir, 'console.log'), bootTimeoutSeconds },
      provision: way.install.length === 0 ? [] : [{ path: script, args: way.install }],
    };
  }
}
