import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { cacheDir } from '../../base/paths.ts';
import { sentence } from '../../errors.ts';
import { isTrusted, type QemuBinary } from './binary.ts';
import type { Accelerator } from './devices.ts';

/** How KVM is tried. */
export interface KvmTrial {
  /** The kernel that is booted, for people: another may fare better. */
  readonly kernel: string;
  /** Boots a real kernel with an accelerator; settles when it was ready, rejects when it was not, or on abort. */
  readonly boot: (accelerator: Accelerator, signal: AbortSignal) => Promise<void>;
  /** For so long: a host that is busy is slow, too, so that what has not come by then says nothing of KVM. */
  readonly ms: number;
  readonly signal: AbortSignal;
  readonly onWarning: (text: string) => void;
}

const kvm: Accelerator = { accel: 'kvm', threads: null, cpu: 'host' };

/**
 * TCG as this QEMU can be trusted with it: several threads from 8.1 on, one before (a translation race
 * corrupts guests that patch their own text). RDRAND is added so that early entropy costs nothing.
 */
export const tcg = (qemu: QemuBinary): Accelerator => ({
  accel: 'tcg',
  threads: isTrusted(qemu.version) ? 'multi' : 'single',
  cpu: 'Nehalem,+rdrand',
});

const answerSchema = z.object({
  /** What it holds for. */
  host: z.string(),
  qemu: z.string(),
  works: z.boolean(),
  /** Why not, in one line; null when it works. */
  why: z.string().nullable(),
  /** The kernel that was booted. */
  kernel: z.string(),
  /** When it was found, an ISO instant. */
  date: z.iso.datetime(),
});
export type KvmAnswer = z.infer<typeof answerSchema>;

const answerFile = (): string => cacheDir('kvm.json');

/** Whether there is a /dev/kvm that this user may open. */
export const isKvmOurs = (): Promise<boolean> =>
  access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );

/** What was found about KVM on this host kernel with this QEMU before, if anything. */
export async function rememberedKvm(qemu: Pick<QemuBinary, 'version'>): Promise<KvmAnswer | undefined> {
  try {
    const answer = answerSchema.parse(JSON.parse(await readFile(answerFile(), 'utf8')));
    return answer.host === release() && answer.qemu === qemu.version ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** Forgets what was found, so that the next machine tries KVM again. */
export const forgetKvm = (): Promise<void> => rm(answerFile(), { force: true });

/**
 * Whether KVM works here: a /dev/kvm may exist and be useless, so a kernel is really booted under it, once for each host
 * kernel and QEMU. Only the answer of a trial that came to its end is remembered: one that is interrupted rejects, one
 * that takes too long is a no for this time. A right to /dev/kvm that is granted later counts at once.
 */
export async function worksKvm(qemu: Pick<QemuBinary, 'version'>, trial: KvmTrial): Promise<boolean> {
  if (!(await isKvmOurs())) return false;
  const known = await rememberedKvm(qemu);
  if (known) return known.works;
  const limit = AbortSignal.timeout(trial.ms);
  const failed = await trial.boot(kvm, AbortSignal.any([trial.signal, limit])).then(
    () => null,
    (error: unknown) => ({ why: sentence(error).split('\n')[0]!.replace('kvm-probe did not boot: ', '') }),
  );
  trial.signal.throwIfAborted();
  if (failed !== null && limit.aborted) {
    trial.onWarning(
      `No kernel was up under KVM within ${trial.ms / 1000} s: this run emulates, the next one tries KVM again. FROSTLINE_ACCEL=tcg spares the trial.`,
    );
    return false;
  }
  const { kernel } = trial;
  const answer = { host: release(), qemu: qemu.version, works: failed === null, why: failed?.why ?? null };
  await remember({ ...answer, kernel, date: new Date().toISOString() });
  return answer.works;
}

/** Whole or not at all: another run may read it. */
async function remember(answer: KvmAnswer): Promise<void> {
  const draft = `${answerFile()}.${process.pid}`;
  await mkdir(dirname(draft), { recursive: true });
  await writeFile(draft, JSON.stringify(answer));
  await rename(draft, answerFile());
}

/** The accelerator to use: KVM where a kernel really boots under it, else TCG. */
export async function chooseAccelerator(qemu: QemuBinary, trial: KvmTrial): Promise<Accelerator> {
  if (process.env['FROSTLINE_ACCEL'] === 'tcg') return tcg(qemu);
  return (await worksKvm(qemu, trial)) ? kvm : tcg(qemu);
}
