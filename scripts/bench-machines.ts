import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '../harness/base/scope.ts';
import { waitForLine } from '../harness/lab/console.ts';
import type { Machine } from '../harness/lab/machine.ts';
import { fetchKernel } from '../harness/lab/kernels/fetch.ts';
import { tcg } from '../harness/lab/qemu/accelerator.ts';
import { findQemu } from '../harness/lab/qemu/binary.ts';
import * as device from '../harness/lab/qemu/devices.ts';
import type { QemuLab } from '../harness/lab/qemu/lab.ts';
import { monitorSocket, startMachine } from '../harness/lab/qemu/process.ts';
import { writeCpio } from '../harness/lab/rootfs/cpio.ts';
import type { KernelWay, Matrix } from '../harness/matrix/matrix.ts';
import { matrixOf, openTestLab, ownFolders, shiftOn } from '../harness/testing/machines.ts';
import type { Line } from './bench-records.ts';

const rounds = 7;
const { signal } = new AbortController();
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

export async function timed(work: () => Promise<AsyncDisposable>): Promise<number> {
  const began = performance.now();
  await using _ = await work();
  return performance.now() - began;
}

/**
 * The cost of a machine, booted and from a template, beside the minimum that QEMU and the kernel need by themselves.
 */
export async function benchMachines(line: Line): Promise<void> {
  const lab = await openTestLab();
  for (const [name, source] of [
    ['5.10', 'deb:bullseye'],
    ['6.12', 'deb:trixie'],
  ] as const) {
    const matrix = matrixOf(
      `name: bench\ntrials: 20\nmachines: 1\ndistros:\n  guest: { driver: qemu, kernel: "${source}" }\ncgroups: [v1]\nworkloads: [sleep]\nstrategies:\n  runc: { preset: runc }\n`,
    );
    const way = matrix.distros.get('guest')!.ways[0] as KernelWay;
    await lab.prepare(way);
    await benchStarts(line, { lab, name, way });
    await benchMemory(line, { lab, name, way });
    await benchTrials(line, { lab, name, way, matrix });
  }
  process.stdout.write(`(${lab.description})\n`);
}

interface Subject {
  readonly lab: QemuLab;
  readonly name: string;
  readonly way: KernelWay;
}

export const answering = async <M extends Machine>(booting: Promise<M>): Promise<M> => {
  const machine = await booting;
  await machine.exec('true', 10_000);
  return machine;
};

/** Alternates between the kinds, so that other load on the host affects all of them. */
async function benchStarts(line: Line, { lab, name, way }: Subject): Promise<void> {
  const bare = await bareMachine(way);
  const byImage = await openImageLab(way);
  const template = 0;
  // makes the template if it is missing
  await timed(() => lab.boot({ id: 'made', way, template, signal }));
  const times = { bare: [] as number[], image: [] as number[], cold: [] as number[], clone: [] as number[] };
  for (let i = 0; i < rounds; i++) {
    times.bare.push(await timed(bare));
    times.image.push(await timed(() => answering(byImage.boot({ id: `i${i}`, way, signal }))));
    times.cold.push(await timed(() => answering(lab.boot({ id: `b${i}`, way, signal }))));
    times.clone.push(await timed(() => answering(lab.boot({ id: `c${i}`, way, template, signal }))));
  }
  const [least, image] = [median(times.bare), median(times.image)];
  const [cold, clone] = [median(times.cold), median(times.clone)];
  line(`plain QEMU to a bare init (${name})`, seconds(least), 'the limit');
  line(`cold boot by its bzImage, as that one (${name})`, seconds(image), 'under 6 s');
  line('  beside plain QEMU', `${(image / least).toFixed(2)} times`, 'under 1.3');
  line(`cold boot to the first answered command (${name})`, seconds(cold), 'under 6 s');
  line('  beside plain QEMU', `${(cold / least).toFixed(2)} times`, 'under 1.3');
  line(`template to the first answered command (${name})`, seconds(clone), 'under 0.4 s');
  line('  beside a cold boot by its bzImage', `${(image / clone).toFixed(1)} times as fast`, 'at least 8');
  line('  beside a cold boot', `${(cold / clone).toFixed(1)} times as fast`, 'at least 8');
}

/** A lab whose kernels decompress themselves in the guest, which frostline normally avoids. */
export async function openImageLab(way: KernelWay): Promise<QemuLab> {
  process.env['FROSTLINE_BOOT'] = 'bzimage';
  try {
    const lab = await openTestLab();
    await lab.prepare(way);
    return lab;
  } finally {
    delete process.env['FROSTLINE_BOOT'];
  }
}

/** Starts the kernel with an initrd of a single program, which reports that it runs. */
async function bareMachine({ kernel: source, cpus, memoryMiB }: KernelWay): Promise<() => Promise<Scope>> {
  const [qemu, kernel] = [await findQemu({}), await fetchKernel(source)];
  const dir = mkdtempSync(join(tmpdir(), 'frostline-bench-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const [init, code] = [join(dir, 'init'), join(dir, 'init.c')];
  writeFileSync(
    code,
    '#include <unistd.h>\nint main(void) { write(1, "bare: ready\\n", 12); for (;;) pause(); }\n',
  );
  execFileSync('cc', ['-O2', '-static', '-o', init, code], { stdio: ['ignore', 'ignore', 'ignore'] });
  const initrd = await writeCpio(dir, 'bare', [
    { type: 'dir', path: 'dev' },
    { type: 'char', path: 'dev/console', major: 5, minor: 1 },
    { type: 'file', path: 'init', from: init, mode: 0o755 },
  ]);
  let count = 0;
  return async () => {
    const scope = new Scope();
    const own = mkdtempSync(join(dir, 'm'));
    const plan = { id: `bare${count++}`, qemu, console: join(own, 'console'), signal };
    const args = device.toArguments([
      ...[device.bare, device.sandbox, device.processor(tcg(qemu), cpus, memoryMiB)],
      ...[device.boot(kernel.image, initrd), device.console(plan.console), device.exitOnPanic],
      // with the same devices for network and monitor as the others
      ...[device.network('virtio'), device.monitor(monitorSocket(own))],
    ]);
    await startMachine(plan, { dir: own, args, scope });
    await waitForLine({ ms: 60_000, what: 'a bare init' }, plan.console, 'bare: ready', () => undefined);
    return scope;
  };
}

/** The memory of each further machine of a template, after its first command. */
async function benchMemory(line: Line, { lab, name, way }: Subject): Promise<void> {
  await using scope = new Scope();
  const own: number[] = [];
  for (let i = 0; i < 4; i++) {
    const machine = await answering(lab.boot({ id: `r${i}`, way, template: 0, signal }));
    scope.defer(() => machine[Symbol.asyncDispose]());
    const rollup = readFileSync(`/proc/${machine.pid}/smaps_rollup`, 'utf8');
    own.push(Number(/^Anonymous:\s+(\d+)/m.exec(rollup)?.[1]) / 1024);
  }
  line(`  memory of its own (${name})`, `${Math.round(median(own))} MB`, 'under 80 MB');
}

async function benchTrials(line: Line, of: Subject & { readonly matrix: Matrix }): Promise<void> {
  const { lab, name, way, matrix } = of;
  let ready = 0;
  await benchAhead(line, of);
  const { trials } = await shiftOn(
    { boot: (request: Parameters<QemuLab['boot']>[0]) => lab.boot({ ...request, template: 0 }) },
    way,
    matrix,
    () => (ready = performance.now()),
  );
  line(
    `20 trials of sleep with runc, from a template (${name})`,
    seconds(performance.now() - ready),
    'under 1 s',
  );
  const extra = trials.map(({ wallUs, result }) => (wallUs - (result?.guestUs ?? 0)) / 1000);
  line(`  each beside the guest's own time`, `${median(extra).toFixed(1)} ms`, 'under 30 ms');
}

/** How long a cell waits for its machine, which is started when the previous cell begins. */
async function benchAhead(
  line: Line,
  { lab, name, way, matrix }: Parameters<typeof benchTrials>[1],
): Promise<void> {
  const start = (i: number) => lab.boot({ id: `a${i}`, way, template: 0, signal });
  const waits: number[] = [];
  let next = start(0);
  for (let i = 1; i <= rounds; i++) {
    const began = performance.now();
    const machine = await next;
    if (i > 1) waits.push(performance.now() - began);
    next = start(i);
    await shiftOn({ boot: () => Promise.resolve(machine) }, way, matrix);
  }
  await (await next)[Symbol.asyncDispose]();
  line(
    `  a cell's wait for a machine made ready meanwhile (${name})`,
    `${median(waits).toFixed(1)} ms`,
    'under 50 ms',
  );
}

const many = 500;

/**
 * Starts and stops 500 machines from one template, two at a time, and reports what they leave behind: it should be
 * nothing.
 */
export async function benchMany(line: Line): Promise<void> {
  const lab = await openTestLab();
  const way = matrixOf(
    'name: many\ndistros: { guest: { driver: qemu, kernel: "deb:bullseye" } }\ncgroups: [v1]\nworkloads: [sleep]\nstrategies: { runc: {} }',
  ).distros.get('guest')!.ways[0] as KernelWay;
  await lab.prepare(way);
  await timed(() => lab.boot({ id: 'made', way, template: 0, signal }));
  const times: number[] = [];
  let booted = 0;
  const began = performance.now();
  const work = async (of: number): Promise<void> => {
    for (let i = of; i < many; i += 2) {
      times.push(
        await timed(async () => {
          const machine = await answering(lab.boot({ id: `n${i}`, way, template: 0, signal }));
          booted += machine.facts.template?.clone === null ? 1 : 0;
          return machine;
        }),
      );
    }
  };
  await Promise.all([work(0), work(1)]);
  line(`${many} machines from one template, two at a time`, seconds(performance.now() - began), 'no bound');
  line('  each to its first answered command', seconds(median(times)), 'under 0.4 s when alone');
  line('  booted for want of the template; folders left', `${booted}; ${ownFolders().length}`, '0; 0');
}
