import { constants } from 'node:fs';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { cacheDir } from '../../base/paths.ts';
import { sentence } from '../../errors.ts';
import { isTrusted, type QemuBinary } from './binary.ts';
import type { Accelerator } from './devices.ts';

/** Boots a real kernel with an accelerator; settles when it was ready, rejects when it was not in time. */
export type TryBoot = (accelerator: Accelerator) => Promise<void>;

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

const answerSchema = z.object({ host: z.string(), qemu: z.string(), works: z.boolean(), why: z.string() });
export type KvmAnswer = z.infer<typeof answerSchema>;

const answerFile = (): string => cacheDir('kvm.json');

/** What was found about KVM on this host kernel with this QEMU before, if anything. */
export async function rememberedKvm(qemu: Pick<QemuBinary, 'version'>): Promise<KvmAnswer | undefined> {
  try {
    const answer = answerSchema.parse(JSON.parse(await readFile(answerFile(), 'utf8')));
    return answer.host === release() && answer.qemu === qemu.version ? answer : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether KVM works here. A /dev/kvm may exist and be useless, so a kernel is really booted under it,
 * once for each host kernel and QEMU; the answer is remembered in the cache.
 */
export async function probeKvm(qemu: QemuBinary, tryBoot: TryBoot): Promise<KvmAnswer> {
  const usable = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  // not remembered: a right that is granted later should count at once
  if (!usable)
    return {
      host: release(),
      qemu: qemu.version,
      works: false,
      why: '/dev/kvm is not there or not ours to open',
    };
  const known = await rememberedKvm(qemu);
  if (known) return known;
  const why = await tryBoot(kvm).then(
    () => null,
    (error: unknown) => sentence(error).split('\n')[0]!.replace('kvm-probe did not boot: ', ''),
  );
  const answer = {
    host: release(),
    qemu: qemu.version,
    works: why === null,
    why: why ?? 'a kernel booted under it',
  };
  await mkdir(dirname(answerFile()), { recursive: true });
  await writeFile(answerFile(), JSON.stringify(answer));
  return answer;
}

/** The accelerator to use: KVM where a kernel really boots under it, else TCG. */
export async function chooseAccelerator(qemu: QemuBinary, tryBoot: TryBoot): Promise<Accelerator> {
  if (process.env['FROSTLINE_ACCEL'] === 'tcg') return tcg(qemu);
  return (await probeKvm(qemu, tryBoot)).works ? kvm : tcg(qemu);
}
