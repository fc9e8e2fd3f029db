import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sampler } from '../analyse/sampler.ts';
import type { RunEvent } from '../events.ts';
import type { Failed, Ready } from '../labs.ts';
import type { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { planCells } from '../plan/cells.ts';
import { plainProgress } from '../progress/plain.ts';
import { finishedTrials } from '../record/finished.ts';
import { Journal } from '../record/journal.ts';
import { readRecords } from '../record/read.ts';
import { createRun, openRun, type OpenRun } from '../record/runs.ts';
import { readStoredRun, type StoredRun } from '../commands/stored-run.ts';
import type { Problem } from '../schedule/remaining.ts';
import { runMatrix } from '../run.ts';
import { FakeMachine, type Answer } from './fake.ts';
import { PassThrough } from 'node:stream';

/** Options of a run with fake machines. */
export interface FakeRun {
  readonly matrix: Matrix;
  readonly answer: Answer;
  readonly jobs?: number;
  readonly hasTemplates?: boolean;
  /** Boots a machine with this id and distro in another way, or rejects. */
  readonly boot?: (machine: FakeMachine, distro: string) => Promise<Machine>;
  /** The folder of the run to resume. */
  readonly resume?: string;
  /** Awaited before a distro's kernel is ready. */
  readonly prepare?: (distro: string) => Promise<void>;
  /** Distros whose kernels cannot be obtained. */
  readonly failed?: Readonly<Record<string, Error>>;
}

/** The results of a run with fake machines. */
export interface FakeEnd {
  readonly dir: string;
  /** Ids of the machines whose boot was attempted, in order. */
  readonly boots: readonly string[];
  /** `machine cgroup trial` of each trial, and other entries of the machines. */
  readonly log: readonly string[];
  readonly problems: readonly Problem[];
  readonly events: readonly RunEvent[];
  /** The output of the plain log. */
  readonly said: string;
  readonly stored: StoredRun;
}

/** Runs a matrix on fake machines, from its cells to its stored run. */
export async function runFake(how: FakeRun): Promise<FakeEnd> {
  const { matrix, jobs = 1 } = how;
  const cells = [...planCells(matrix)];
  await using open = await openFor(how);
  const sampler = new Sampler(matrix.sampling);
  const progress = await finishedTrials(
    readRecords(open.recordsPath, () => undefined),
    (record) => sampler.add(record),
  ).catch(() => ({ finished: new Set<string>(), lastMachine: 0 }));
  await using journal = await Journal.open(open.recordsPath);
  const events: RunEvent[] = [];
  const stream = new PassThrough();
  const said = plainProgress(stream);
  const { signal } = new AbortController();
  const plan = {
    ...{ run: open.id, dir: open.dir, matrix, cells, ...progress, sampler, journal, jobs, signal },
    allowLocal: false,
    emit: (event: RunEvent) => {
      events.push(event);
      said(event);
    },
  };
  const labs = fakeLabs(how);
  const problems = await runMatrix(plan, labs);
  await journal.close();
  await open.update({ status: 'finished', problems: [...problems] });
  const stored = await readStoredRun(open.dir);
  const { boots, log } = labs;
  return { dir: open.dir, boots, log, problems, events, said: String(stream.read()), stored };
}

async function openFor({ matrix, resume }: FakeRun): Promise<OpenRun> {
  if (resume !== undefined) return openRun(resume);
  return createRun(await mkdtemp(join(tmpdir(), 'frostline-fake-')), {
    name: matrix.name,
    matrix: { file: 'test.yaml', text: matrix.text },
    options: { select: [], shard: null, jobs: null, kernel: null },
    cells: [...planCells(matrix)].map(({ id }) => id),
    ...{ trials: matrix.trials, sampling: matrix.sampling, version: '0' },
  });
}

function fakeLabs({ matrix, answer, hasTemplates = false, failed = {}, boot, prepare }: FakeRun) {
  const boots: string[] = [];
  const log: string[] = [];
  const labOf = (distro: string): Lab => ({
    description: 'fake',
    hasTemplates,
    memoryOf: () => 1,
    prepare: () => Promise.resolve(),
    boot: ({ id }) => {
      boots.push(id);
      const machine = new FakeMachine(id, answer, log);
      return boot === undefined ? Promise.resolve(machine) : boot(machine, distro);
    },
  });
  return {
    boots,
    log,
    prepare: (names: readonly string[]) =>
      names.map(async (distro): Promise<Ready | Failed> => {
        await prepare?.(distro);
        const error = failed[distro];
        return error === undefined
          ? { distro, way: matrix.distros.get(distro)!.ways[0], lab: labOf(distro) }
          : { distro, error };
      }),
  };
}
