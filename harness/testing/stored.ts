import type { RunInfo } from '../record/info.ts';
import { Journal } from '../record/journal.ts';
import { createRun } from '../record/runs.ts';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';

/** The matrix of a stored run of one cell, in which every trial is expected to freeze. */
export const nightly = `name: nightly
trials: 4
machines: 2
distros:
  debian-12: { driver: qemu, kernel: "deb:bookworm" }
cgroups: [v1]
workloads: [sleep]
strategies:
  single: { preset: single }
expect:
  - { workload: sleep, rate: "== 1" }
`;
export const nightlyCell = 'debian-12/v1/none/sleep/single';

/** The contents of a stored run. */
export interface Stored {
  readonly matrix: string;
  readonly cells: readonly string[];
  readonly trials: number;
  readonly records: readonly TrialRecord[];
  readonly problems?: RunInfo['problems'];
  readonly startedAt?: Date;
}

/** Stores a finished run called `nightly`; resolves with its folder. */
export async function storeRun(results: string, of: Stored): Promise<string> {
  const { matrix, cells, trials, records, problems = [], startedAt } = of;
  await using run = await createRun(results, {
    name: 'nightly',
    matrix: { file: 'nightly.yaml', text: matrix },
    options: { select: [], shard: null, jobs: null, kernel: null },
    ...{ cells: [...cells], trials, version: '0.1.0' },
    ...(startedAt === undefined ? {} : { startedAt }),
  });
  await using journal = await Journal.open(run.recordsPath);
  for (const record of records) void journal.append(record);
  await run.update({ status: 'finished', problems });
  return run.dir;
}

/** Trials of a cell, spread over ten boots; `change` sets the fields of each. */
export const trialsOf = (
  cell: string,
  count: number,
  change: (trial: number) => Partial<TrialRecord> = () => ({}),
): TrialRecord[] =>
  Array.from({ length: count }, (_, trial) =>
    sampleRecord({
      ...{ cell, trial, machine: { ...sampleRecord().machine, boot: `b${trial % 10}` } },
      ...change(trial),
    }),
  );

/** Stores a run of `nightly` with frozen trials followed by failed ones; resolves with its folder. */
export const storeNightly = (results: string, frozen: number, failed: number): Promise<string> =>
  storeRun(results, {
    matrix: nightly,
    cells: [nightlyCell],
    trials: 4,
    records: trialsOf(nightlyCell, frozen + failed, (trial) => ({
      outcome: trial < frozen ? 'frozen' : 'not-frozen',
    })),
  });
