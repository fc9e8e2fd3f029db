import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ImageWay } from '../../../matrix/matrix.ts';
import type { BootRequest, Lab, LabContext } from '../../lab.ts';
import { chooseAccelerator } from '../accelerator.ts';
import { findQemu, type QemuBinary } from '../binary.ts';
import type { Accelerator } from '../devices.ts';
import { fetchOptions } from '../lab.ts';
import { fetchImage } from './fetch.ts';
import { bootImage, type ImageMachine, type ImagePlan } from './machine.ts';

const overheadMiB = 200;
/** For the first boot of a whole distro. */
const bootTimeoutMs = { kvm: 180_000, tcg: 600_000 };

/** Opens the driver for cloud images, and finds a QEMU. */
export async function openImageLab(context: LabContext): Promise<ImageLab> {
  const fetch = fetchOptions(context);
  const qemu = await fetch.during(findQemu(fetch.options));
  return new ImageLab(context, qemu);
}

/** Machines from cloud images: a distro with its own kernel and boot, on an overlay that ends with the machine. */
export class ImageLab implements Lab<ImageWay> {
  readonly #context: LabContext;
  readonly #qemu: QemuBinary;
  readonly #files = new Map<string, Promise<string>>();
  #accelerator: Promise<Accelerator> | undefined;

  constructor(context: LabContext, qemu: QemuBinary) {
    this.#context = context;
    this.#qemu = qemu;
  }

  get description(): string {
    return `QEMU ${this.#qemu.version}`;
  }

  memoryOf(way: ImageWay): number {
    return way.memoryMiB + overheadMiB;
  }

  async prepare(way: ImageWay): Promise<void> {
    await this.#file(way);
  }

  #file(way: ImageWay): Promise<string> {
    const fetch = fetchOptions(this.#context);
    const known = this.#files.get(way.image.text) ?? fetch.during(fetchImage(way.image, fetch.options));
    this.#files.set(way.image.text, known);
    return known;
  }

  async boot({ id, way, signal }: BootRequest<ImageWay>): Promise<ImageMachine> {
    const file = await this.#file(way);
    this.#accelerator ??= chooseAccelerator(this.#qemu, {
      boot: (kvm, until) =>
        this.#tryBoot(this.#plan({ id: 'kvm-probe', way, file, accelerator: kvm, signal: until })),
      ...{ kernel: `that of ${basename(file)}`, ms: 60_000 },
      ...{ signal: this.#context.signal, onWarning: this.#context.onWarning },
    });
    const accelerator = await this.#accelerator;
    return bootImage(this.#plan({ id, way, file, accelerator, signal }));
  }

  #plan(of: {
    readonly id: string;
    readonly way: ImageWay;
    readonly file: string;
    readonly accelerator: Accelerator;
    readonly signal: AbortSignal;
  }): ImagePlan {
    const { id, way, file, accelerator, signal } = of;
    const { image, cpus, memoryMiB, cmdline, install } = way;
    return {
      ...{
        id,
        run: this.#context.run,
        qemu: this.#qemu,
        accelerator,
        file,
        cpus,
        memoryMiB,
        cmdline,
        install,
      },
      image: image.text.replace(/,sha256=.*/, ''),
      console: join(this.#context.consoles, `${id}.log`),
      bootTimeoutMs: bootTimeoutMs[accelerator.accel],
      ...{ signal, onWarning: this.#context.onWarning },
      onStep: (what) => this.#context.onStep(id, what),
    };
  }

  async #tryBoot(plan: ImagePlan): Promise<void> {
    try {
      const machine = await bootImage(plan);
      await machine[Symbol.asyncDispose]();
    } finally {
      await rm(plan.console, { force: true });
    }
  }
}
