import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { cacheDir } from '../../base/paths.ts';
import { sentence } from '../../errors.ts';
import { isTrusted, type QemuBinary } from './binary.ts';
import type { Accelerator } from './devices.ts';

/** How to test whether KVM works. */
export interface KvmTrial {
  /** Human-readable name of the kernel that is booted; another kernel may work better. */
  readonly kernel: string;
  /** Boots a real kernel with an accelerator. Resolves when it is ready; rejects if it never is, or on abort. */
  readonly boot: (accelerator: Accelerator, signal: AbortSignal) => Promise<void>;
  /** Timeout in ms. Reaching it says nothing about KVM, since a busy host is slow, too. */
  readonly ms: number;
  readonly signal: AbortSignal;
  readonly onWarning: (text: string) => void;
}

const kvm: Accelerator = { accel: 'kvm', threads: null, cpu: 'host' };

/**
 * TCG in the mode that is safe with this QEMU: multi-threaded from 8.1 on, single-threaded before (a translation race
 * corrupts guests that patch their own text). RDRAND is added so that early entropy costs nothing.
 */
export const tcg = (qemu: QemuBinary): Accelerator => ({
  accel: 'tcg',
  threads: isTrusted(qemu.version) ? 'multi' : 'single',
  cpu: 'Nehalem,+rdrand',
});

const answerSchema = z.object({
  /** The host kernel and the QEMU version that the result is for. */
  host: z.string(),
  qemu: z.string(),
  works: z.boolean(),
  /** Why not, in one line; null when it works. */
  why: z.string().nullable(),
  /** The kernel that was booted. */
  kernel: z.string(),
  /** Time of the test, an ISO instant. */
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

/** The remembered KVM result for this host kernel and this QEMU version, if any. */
export async function rememberedKvm(qemu: Pick<QemuBinary, 'version'>): Promise<KvmAnswer | undefined> {
  try {
    const answer = answerSchema.parse(JSON.parse(await readFile(answerFile(), 'utf8')));
    return answer.host === release() && answer.qemu === qemu.version ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** Forgets the result, so that the next machine tests KVM again. */
export const forgetKvm = (): Promise<void> => rm(answerFile(), { force: true });

/**
 * Whether KVM works here. /dev/kvm may exist and be useless, so a kernel is really booted under it, once for each host
 * kernel and QEMU. Only the result of a completed test is remembered: an interrupted one rejects, and one that times
 * out counts as a no for this run only. Access to /dev/kvm that is granted later takes effect at once.
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

/** Written atomically, since another run may read it. */
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
