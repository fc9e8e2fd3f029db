import { findLeftovers } from '../lab/reap.ts';
import { listKernels } from '../lab/kernels/debian.ts';
import { examineHost, type Check } from '../lab/preflight.ts';
import type { Io } from './io.ts';

const marks: Readonly<Record<Check['state'], string>> = {
  ok: 'ok     ',
  note: 'note   ',
  missing: 'missing',
};

export interface DoctorOptions {
  readonly kernels?: string;
}

/** `frostline doctor`: what a run needs, what this host has, how to get the rest. Exit 69 when something is missing. */
export async function doctor({ kernels }: DoctorOptions, io: Io): Promise<void> {
  if (kernels !== undefined) return printKernels(kernels, io);
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

async function printKernels(suite: string, io: Io): Promise<void> {
  for (const { name, version } of await listKernels(suite, { signal: io.signal })) {
    io.stdout.write(`deb:${suite}/${name}=${version}\n`);
  }
}
