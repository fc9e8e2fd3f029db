import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from '../base/command.ts';
import { isAlive } from '../base/owner.ts';
import { runtimeDir } from '../base/paths.ts';
import type { BootRequest } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { openQemuLab, type QemuLab } from '../lab/qemu/lab.ts';
import type { QemuMachine } from '../lab/qemu/machine.ts';
import { findMachines, type MachineFolder } from '../lab/reap.ts';
import { Remote } from '../lab/remote.ts';
import { loadMatrix } from '../matrix/load.ts';
import type { KernelWay, Matrix, Way } from '../matrix/matrix.ts';
import { planCells } from '../plan/cells.ts';
import { toTask } from '../trial/ask.ts';
import type { TrialOutcome } from '../trial/experiment.ts';
import { Ledger } from '../schedule/ledger.ts';
import { workShift } from '../schedule/shift.ts';
import type { Task } from '../trial/task.ts';

/** Loads a matrix for tests; it must be valid. */
export function matrixOf(text: string): Matrix {
  const loaded = loadMatrix(text, 'test.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  return loaded.matrix;
}

/** A QEMU lab with its console logs in a temporary folder. */
export async function openTestLab(signal = new AbortController().signal): Promise<QemuLab> {
  const consoles = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  return openQemuLab({
    run: 'test',
    consoles,
    allowLocal: false,
    signal,
    onWarning: () => undefined,
    onPreparing: () => () => undefined,
    onStep: () => () => undefined,
  });
}

/** Every trial of every cell of a matrix, in order, whatever `machines` says. */
export function tasksOf(matrix: Matrix): Task[] {
  return [...planCells(matrix)].flatMap((cell) =>
    Array.from({ length: matrix.trials }, (_, trial): Task => toTask(matrix, cell, trial)!),
  );
}

/** A finished trial and the machine it ran on. */
export interface Finished extends TrialOutcome {
  readonly cell: string;
  readonly trial: number;
  readonly machine: string;
}

export interface ShiftLog<M = QemuMachine> {
  readonly trials: readonly Finished[];
  readonly lost: readonly string[];
  readonly machines: readonly M[];
}

/**
 * Runs all trials of a one-distro matrix as one shift, on machines of the given template, if any; `onMachine` may act
 * on each machine.
 */
export function shift(
  lab: QemuLab,
  matrix: Matrix,
  onMachine: (machine: QemuMachine, number: number) => void = () => undefined,
  template?: number,
): Promise<ShiftLog> {
  const way = [...matrix.distros.values()][0]!.ways[0] as KernelWay;
  const from = {
    boot: (request: BootRequest<KernelWay>) =>
      lab.boot({ ...request, ...(template === undefined ? {} : { template }) }),
  };
  return shiftOn<KernelWay, QemuMachine>(from, way, matrix, onMachine);
}

/** The same in the lab of any driver, whichever way the matrix names. */
export async function shiftOn<W extends Way, M extends Machine>(
  lab: { boot(request: BootRequest<W>): Promise<M> },
  way: W,
  matrix: Matrix,
  onMachine: (machine: M, number: number) => void = () => undefined,
): Promise<ShiftLog<M>> {
  const log = { trials: [] as Finished[], lost: [] as string[], machines: [] as M[] };
  const { signal } = new AbortController();
  let boots = 0;
  await workShift(tasksOf(matrix), {
    signal,
    ledger: new Ledger([...planCells(matrix)], () => undefined),
    boot: async (begin) => {
      if (!begin()) return null;
      const machine = await lab.boot({ id: `m${++boots}`, way, signal });
      log.machines.push(machine);
      onMachine(machine, log.machines.length);
      return machine;
    },
    onTrial: ({ cell, request }, outcome, machine) =>
      log.trials.push({ ...outcome, cell: cell.id, trial: request.trial, machine: machine.facts.id }),
    onFailed: () => Promise.resolve(),
    onLost: (_, reason) => log.lost.push(reason),
    onDone: () => undefined,
    onAgain: () => undefined,
    onBootFailed: (error) => log.lost.push(String(error)),
    isEnough: () => false,
    onEnough: () => undefined,
    onGivenUp: () => undefined,
    onSkipped: (cell, _, reason) => log.lost.push(`${cell.id}: ${reason}`),
  });
  return log;
}

/** Copies a program of the guest's tests (guest/tests/programs) into a machine, as /tmp/NAME. */
export async function bringProgram(machine: QemuMachine, name: string): Promise<void> {
  const program = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), name);
  const source = new URL(`../guest/tests/programs/${name}.c`, import.meta.url).pathname;
  await command(['cc', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-static', '-o', program, source]);
  const input = await readFile(program);
  const endpoint = { host: '127.0.0.1', user: 'root', ...machine.endpoint };
  using remote = await Remote.connect(endpoint, 30_000);
  const put = `head -c ${input.length} > /tmp/${name} && chmod 755 /tmp/${name}`;
  const { code, stderr } = await remote.run(put, 30_000, { input });
  if (code !== 0) throw new Error(stderr);
}

/** Resolves once a trial of the machine is running, i.e. its cgroup exists. */
export async function untilTrialRuns(machine: QemuMachine): Promise<void> {
  await machine.exec(
    'until ls -d /sys/fs/cgroup/*/frostline-* > /dev/null 2>&1; do usleep 20000; done; usleep 300000',
    60_000,
  );
}

/**
 * QEMU machines that nobody will take down any more: those of dead controllers, and of this process, which has disposed
 * all of its machines by the time it asks. vagrant's are left out, since everybody's machines share one folder.
 */
export async function leftovers(): Promise<MachineFolder[]> {
  const isOurs = ({ dir, owner }: MachineFolder): boolean =>
    dir.startsWith(`${runtimeDir()}/`) && (owner === null || owner.pid === process.pid || !isAlive(owner));
  return (await findMachines()).filter(isOurs);
}

/** The folders of this process's machines; those of other processes may come and go. */
export function ownFolders(): string[] {
  return readdirSync(runtimeDir()).filter((name) => {
    try {
      const owner: unknown = JSON.parse(readFileSync(join(runtimeDir(), name, 'owner.json'), 'utf8'));
      return (owner as { readonly pid: number }).pid === process.pid;
    } catch {
      return false;
    }
  });
}
