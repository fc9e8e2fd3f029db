import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createProgram } from '../commands/program.ts';
import { sampleRecord } from '../record/sample.ts';
import { createRun, type OpenRun } from '../record/runs.ts';
import { Journal } from '../record/journal.ts';
import type { TrialRecord } from '../record/schema.ts';

const matrix = `name: nightly
distros:
  debian-12: { driver: qemu, kernel: "deb:bookworm" }
cgroups: [v1]
workloads: [sleep]
strategies:
  single: { preset: single }
`;

/** Stores a finished run with these records; resolves with its folder. */
export async function storeRun(
  results: string,
  day: string,
  records: readonly TrialRecord[],
): Promise<string> {
  await using run: OpenRun = await createRun(results, {
    name: 'nightly',
    matrix: { file: 'nightly.yaml', text: matrix },
    options: { select: [], shard: null, jobs: null, kernel: null },
    cells: [...new Set(records.map(({ cell }) => cell))],
    trials: 10,
    version: '0.1.0',
    startedAt: new Date(`${day}T02:00:00Z`),
  });
  await using journal = await Journal.open(run.recordsPath);
  for (const record of records) void journal.append({ ...record, run: run.id });
  await run.update({ status: 'finished' });
  return run.dir;
}

export const storm = 'debian-12/v1/none/vfork-exec-storm/single';
export const sleep = 'debian-12/v1/none/sleep/single';

/** Boots of a cell with five trials each; `frozen` says how many froze in each boot. */
export function trials(
  cell: string,
  day: string,
  frozen: readonly number[],
  release = '6.1.0-55',
): TrialRecord[] {
  const { machine, guest } = sampleRecord();
  return frozen.flatMap((count, boot) =>
    Array.from({ length: 5 }, (_, i) =>
      sampleRecord({
        ...{ cell, trial: boot * 5 + i, outcome: i < count ? 'frozen' : 'not-frozen' },
        at: `${day}T02:00:${String(boot).padStart(2, '0')}.00${i}Z`,
        machine: { ...machine, boot: `${day} b${boot}` },
        guest: { ...guest!, release },
      }),
    ),
  );
}

/** Runs `frostline history` on a results folder, in this process. */
export async function history(results: string, ...words: string[]): Promise<{ out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const { signal } = new AbortController();
  const io = { stdout, stderr, env: {}, signal, setExitCode: () => undefined };
  const said = Promise.all([text(stdout), text(stderr)]);
  try {
    const argv = ['node', 'frostline', 'history', ...words, '--results', results];
    await createProgram(io, '1.2.3').parseAsync(argv);
  } finally {
    stdout.end();
    stderr.end();
  }
  const [out, err] = await said;
  return { out, err };
}

/** Stores runs of three nights, the last with a new kernel; resolves with their folders. */
export const threeNights = async (results: string): Promise<string[]> => [
  await storeRun(results, '2026-11-20', [
    ...trials(storm, '2026-11-20', [2, 3]),
    ...trials(sleep, '2026-11-20', [5, 5]),
  ]),
  await storeRun(results, '2026-11-21', [
    ...trials(storm, '2026-11-21', [5, 0]),
    ...trials(sleep, '2026-11-21', [5, 5]),
  ]),
  await storeRun(results, '2026-11-22', trials(storm, '2026-11-22', [5, 5], '6.1.0-56')),
];
