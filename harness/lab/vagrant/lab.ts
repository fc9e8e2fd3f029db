import { join } from 'node:path';
import { capture } from '../../base/command.ts';
import { Scope } from '../../base/scope.ts';
import { FrostlineError } from '../../errors.ts';
import type { VagrantWay } from '../../matrix/matrix.ts';
import type { BootRequest, Lab, LabContext } from '../lab.ts';
import { cgroupArguments } from '../distro/cgroups.ts';
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
/** The boot, plus copying the box's disk and installing tools. */
const upTimeoutMs = (bootTimeoutSeconds + 600) * 1000;
const overheadMiB = 150;
const program = 'qemu-system-x86_64';

/** Kernel arguments for a box that is booted directly, without its boot loader. */
const directArguments = ({ cmdline }: VagrantWay): string =>
  `root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet ${cmdline ?? ''}`.trim();

/** Opens vagrant. Rejects ('host') when it is not installed, or there is no user to run it as. */
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

  /** Warns of an old QEMU: libvirt uses the host's, not one that frostline has unpacked. */
  async #warn(): Promise<void> {
    if (this.#isWarned || this.#qemu === null || isTrusted(this.#qemu) || (await this.#accel()) === 'kvm')
      return;
    this.#isWarned = true;
    this.#context.onWarning(
      `libvirt runs the host's QEMU ${this.#qemu}, which is older than 8.1: its emulation is not to be trusted with the v1 freezer from Linux 6.1 on.`,
    );
  }

  /** KVM if the driver `qemu` has booted a kernel under it before. */
  async #accel(): Promise<'kvm' | 'tcg'> {
    if (process.env['FROSTLINE_ACCEL'] === 'tcg' || this.#qemu === null) return 'tcg';
    return (await rememberedKvm({ version: this.#qemu }))?.works ? 'kvm' : 'tcg';
  }

  async boot({ id, way, cgroup, signal }: BootRequest<VagrantWay>): Promise<VagrantMachine> {
    const box = await this.#box(way);
    const scope = new Scope();
    try {
      const dir = await makeMachineFolder(this.#account, this.#context.run, id);
      scope.defer(() => takeDown(this.#account, dir, id));
      const direct = box.boot === null ? null : directArguments(way);
      const words = direct === null || cgroup === undefined ? direct : `${direct} ${cgroupArguments[cgroup]}`;
      const file = await this.#describe({ id, way, box, dir, cmdline: words });
      await describeMachine(dir, file);
      const vagrant = new Vagrant(this.#account, dir, id);
      const onStep = (what: string): (() => void) => this.#context.onStep(id, what);
      const done = onStep('vagrant up');
      await vagrant.up(way.provider, upTimeoutMs, signal).finally(done);
      const parts = {
        ...{ id, dir, file, vagrant, scope },
        qemu: way.provider === 'libvirt' ? this.#qemu : null,
        consoleLog: join(this.#context.consoles, `${id}.log`),
        ...{ box: way.box, cmdline: box.boot === null ? way.cmdline : null, direct, cgroup },
        bootTimeoutMs: bootTimeoutSeconds * 1000,
        ...{ onWarning: this.#context.onWarning, onStep },
      };
      return await VagrantMachine.enter(parts, signal);
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #describe(of: {
    readonly id: string;
    readonly way: VagrantWay;
    readonly box: Box;
    readonly dir: string;
    readonly cmdline: string | null;
  }): Promise<MachineFile> {
    const { id, way, box, dir, cmdline } = of;
    const accel = await this.#accel();
    const script = join(vagrantFiles, 'provision/install-tools.sh');
    return {
      ...{ run: this.#context.run, name: id, box: box.name, boxVersion: box.version, provider: way.provider },
      // frostline's own boxes are Debian, and booted directly
      guest: box.boot === null ? null : 'debian',
      ...{ accel, cpuModel: accel === 'kvm' ? null : 'Nehalem', cpus: way.cpus, memoryMiB: way.memoryMiB },
      ...{ port: await freePort(), kernel: box.boot?.kernel ?? null, initrd: box.boot?.initrd ?? null },
      ...{ cmdline, console: join(dir, 'console.log'), bootTimeoutSeconds },
      provision: way.install.length === 0 ? [] : [{ path: script, args: way.install }],
    };
  }
}
