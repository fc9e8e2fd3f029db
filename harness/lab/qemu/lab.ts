import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KernelWay } from '../../matrix/matrix.ts';
import { fetchKernel } from '../kernels/fetch.ts';
import type { FetchOptions } from '../apt/closure.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { unpackKernel } from '../kernels/vmlinux.ts';
import type { BootRequest, Lab, LabContext, Origin } from '../lab.ts';
import { buildBase } from '../rootfs/base.ts';
import { buildModules } from '../rootfs/image.ts';
import { buildUserland } from '../rootfs/userland.ts';
import { chooseAccelerator } from './accelerator.ts';
import { findQemu, isTrusted, type QemuBinary } from './binary.ts';
import type { Accelerator } from './devices.ts';
import { chooseHardware, type Hardware } from './hardware.ts';
import { bootMachine, type MachinePlan, type QemuMachine } from './machine.ts';
import { Templates } from './template/store.ts';

/** A guest of 512 MiB was seen to take 250-350 MiB of the host; the rest is QEMU itself and its translations. */
const overheadMiB = 200;
const bootTimeoutMs = { kvm: 30_000, tcg: 120_000 };

/** What machines of one kernel boot from. */
interface Prepared {
  readonly kernel: Kernel;
  /** Its vmlinux, if QEMU can start that. */
  readonly vmlinux: string | undefined;
  readonly hardware: Hardware;
  readonly base: string;
  readonly modules: string;
  /** The disk with the userland; null when the guest stays in its initramfs. */
  readonly root: string | null;
}

/** A requested machine, before it becomes a MachinePlan. */
interface BootParts {
  readonly id: string;
  readonly way: Pick<KernelWay, 'userland' | 'cpus' | 'memoryMiB' | 'cmdline'>;
  readonly signal: AbortSignal;
  readonly prepared: Prepared;
  readonly accelerator: Accelerator;
  readonly timeoutMs: number;
}

/** Opens the QEMU driver and finds a QEMU. The accelerator is chosen once there is a first kernel to test it with. */
export async function openQemuLab(context: LabContext): Promise<QemuLab> {
  const fetch = fetchOptions(context);
  const qemu = await fetch.during(findQemu(fetch.options));
  return new QemuLab(context, qemu);
}

/** Adapts the context's `onPreparing` to downloads: `options` reports their start, `during` their end. */
export function fetchOptions(context: LabContext): {
  options: FetchOptions;
  during: <T>(work: Promise<T>) => Promise<T>;
} {
  const done: (() => void)[] = [];
  const options = {
    signal: context.signal,
    onWarning: context.onWarning,
    onDownload: (what: string) => void done.push(context.onPreparing(what)),
  };
  const during = <T>(work: Promise<T>): Promise<T> =>
    work.finally(() => done.splice(0).forEach((end) => end()));
  return { options, during };
}

export class QemuLab implements Lab<KernelWay> {
  readonly hasTemplates = true;
  readonly #context: LabContext;
  readonly #qemu: QemuBinary;
  readonly #prepared = new Map<string, Promise<Prepared>>();
  /** The part of the guest's root that all kernels share. */
  #base: Promise<string> | undefined;
  #accelerator: Promise<Accelerator> | undefined;
  #description: string;
  readonly #templates: Templates;

  constructor(context: LabContext, qemu: QemuBinary) {
    this.#context = context;
    this.#qemu = qemu;
    this.#description = `QEMU ${qemu.version}`;
    this.#templates = new Templates(context.onWarning);
    if (!isTrusted(qemu.version)) {
      context.onWarning(
        `QEMU ${qemu.version} (${qemu.origin}) is older than 8.1: its emulation is not to be trusted with the v1 freezer from Linux 6.1 on; it runs single-threaded.`,
      );
    }
  }

  get description(): string {
    return this.#description;
  }

  memoryOf(way: KernelWay, isClone: boolean): number {
    return (isClone ? 0 : way.memoryMiB) + overheadMiB;
  }

  async prepare(way: KernelWay): Promise<void> {
    await this.#prepare(way);
  }

  async origin(way: KernelWay): Promise<Origin> {
    const { kernel } = await this.#prepare(way);
    const config = join(dirname(kernel.image), `config-${kernel.release}`);
    return { name: kernel.origin, sha256: kernel.sha256, config: existsSync(config) ? config : null };
  }

  #prepare(way: KernelWay): Promise<Prepared> {
    const key = JSON.stringify([way.kernel.text, way.userland?.text]);
    const known = this.#prepared.get(key);
    if (known) return known;
    const work = this.#build(way);
    this.#prepared.set(key, work);
    return work;
  }

  async #build(way: KernelWay): Promise<Prepared> {
    const fetch = fetchOptions(this.#context);
    const kernel = await fetch.during(fetchKernel(way.kernel, fetch.options));
    this.#base ??= buildBase(fetch.options);
    const base = await fetch.during(this.#base);
    const hardware = await chooseHardware(kernel, way.userland !== null);
    const modules = await buildModules(kernel, hardware.modules, way.userland !== null);
    const { userland } = way;
    const root = userland && (await fetch.during(buildUserland(userland, fetch.options)));
    const vmlinux = await unpackKernel(kernel);
    const prepared = { kernel, vmlinux, hardware, base, modules, root };
    await this.#choose(prepared);
    return prepared;
  }

  /** The accelerator, tested with the first kernel that is ready. */
  async #choose(prepared: Prepared): Promise<Accelerator> {
    const { signal, onWarning } = this.#context;
    this.#accelerator ??= chooseAccelerator(this.#qemu, {
      boot: (accelerator, until) => this.#tryBoot(prepared, accelerator, until),
      ...{ kernel: prepared.kernel.origin, ms: 15_000, signal, onWarning },
    });
    const accelerator = await this.#accelerator;
    const { accel, threads } = accelerator;
    const parts = [`QEMU ${this.#qemu.version}`, accel, ...(threads ? [`thread=${threads}`] : [])];
    this.#description = parts.join(', ');
    return accelerator;
  }

  async boot({ id, way, template, signal }: BootRequest<KernelWay>): Promise<QemuMachine> {
    const prepared = await this.#prepare(way);
    const accelerator = await this.#choose(prepared);
    const timeoutMs = bootTimeoutMs[accelerator.accel];
    const plan = this.#plan({ id, way, signal, prepared, accelerator, timeoutMs });
    return template === undefined ? bootMachine(plan) : this.#templates.start(plan, template);
  }

  #plan(of: BootParts): MachinePlan {
    return {
      id: of.id,
      run: this.#context.run,
      qemu: this.#qemu,
      accelerator: of.accelerator,
      image: of.prepared.kernel.image,
      kernel: of.prepared.vmlinux ?? of.prepared.kernel.image,
      initrd: { base: of.prepared.base, modules: of.prepared.modules },
      hardware: of.prepared.hardware,
      root: of.prepared.root,
      userland: of.way.userland?.text ?? null,
      cpus: of.way.cpus,
      memoryMiB: of.way.memoryMiB,
      cmdline: of.way.cmdline,
      console: join(this.#context.consoles, `${of.id}.log`),
      bootTimeoutMs: of.timeoutMs,
      signal: of.signal,
    };
  }

  async #tryBoot(prepared: Prepared, accelerator: Accelerator, signal: AbortSignal): Promise<void> {
    const way = { userland: null, cpus: 1, memoryMiB: 256, cmdline: null };
    const timeoutMs = bootTimeoutMs[accelerator.accel];
    const plan = this.#plan({ id: 'kvm-probe', way, signal, prepared, accelerator, timeoutMs });
    try {
      const machine = await bootMachine(plan);
      await machine[Symbol.asyncDispose]();
    } finally {
      await rm(plan.console, { force: true });
    }
  }
}
