import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLeftovers } from '../lab/reap.ts';
import { listKernels } from '../lab/kernels/debian.ts';
import { examineHost, type Check } from '../lab/preflight.ts';
import { forgetKvm } from '../lab/qemu/accelerator.ts';
import { openQemuLab } from '../lab/qemu/lab.ts';
import { parseKernel } from '../matrix/source.ts';
import { printable, type Io } from './io.ts';

const marks: Readonly<Record<Check['state'], string>> = {
  ok: 'ok     ',
  note: 'note   ',
  missing: 'missing',
};

export interface DoctorOptions {
  readonly kernels?: string;
  readonly probe?: boolean;
}

/**
 * `frostline doctor`: what a run needs, what this host has, how to get the rest. Exits with 69 when something is
 * missing.
 */
export async function doctor({ kernels, probe = false }: DoctorOptions, io: Io): Promise<void> {
  if (kernels !== undefined) return printKernels(kernels, io);
  if (probe) await probeKvm(io);
  const checks = await examineHost();
  for (const { name, state, found, todo } of checks) {
    io.stdout.write(`${marks[state]}  ${name.padEnd(14)}  ${found}\n`);
    if (todo !== undefined) io.stdout.write(`${' '.repeat(25)}-> ${todo}\n`);
  }
  const left = await findLeftovers();
  if (left.length > 0) {
    io.stdout.write(
      `note     leftovers       ${left.length} machine(s) of runs that died -> frostline clean\n`,
    );
  }
  if (checks.some(({ state }) => state === 'missing')) io.setExitCode(69);
}

/** The kernel used to test KVM. */
const probed = 'deb:trixie';

/** Tests KVM again, ignoring earlier results; fetches the kernel to boot when it is missing. */
async function probeKvm(io: Io): Promise<void> {
  await forgetKvm();
  const consoles = await mkdtemp(join(tmpdir(), 'frostline-doctor-'));
  const tell = (text: string): void => void io.stderr.write(`frostline: ${printable(text)}\n`);
  const step = (what: string) => (): void => tell(`${what}: done`);
  try {
    const context = { run: 'doctor', consoles, allowLocal: false, signal: io.signal, onWarning: tell };
    const lab = await openQemuLab({ ...context, onPreparing: step, onStep: (_, what) => step(what) });
    const way = { driver: 'qemu', userland: null, cpus: 1, memoryMiB: 512, cmdline: null } as const;
    await lab.prepare({ ...way, kernel: parseKernel(probed, '/') });
  } finally {
    await rm(consoles, { recursive: true, force: true });
  }
}

async function printKernels(suite: string, io: Io): Promise<void> {
  for (const { name, version } of await listKernels(suite, { signal: io.signal })) {
    io.stdout.write(`deb:${suite}/${name}=${version}\n`);
  }
}
