import { Journal } from '../record/journal.ts';
import { createRun } from '../record/runs.ts';
import { sampleRecord } from '../record/sample.ts';

/** The matrix of a stored run of one cell, in which every trial is to freeze. */
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

/** Makes a run of it with frozen trials and, at its end, some that are not; resolves with its folder. */
export async function storeNightly(results: string, frozen: number, failed: number): Promise<string> {
  await using run = await createRun(results, {
    name: 'nightly',
    matrix: { file: 'nightly.yaml', text: nightly },
    options: { select: [], shard: null, jobs: null, kernel: null },
    cells: [nightlyCell],
    trials: 4,
    version: '0.1.0',
  });
  await using journal = await Journal.open(run.recordsPath);
  for (let trial = 0; trial < frozen + failed; trial++) {
    void journal.append(
      sampleRecord({
        ...{ cell: nightlyCell, trial, outcome: trial < frozen ? 'frozen' : 'not-frozen' },
        machine: { ...sampleRecord().machine, boot: `b${trial % 10}` },
      }),
    );
  }
  await run.update({ status: 'finished' });
  return run.dir;
}
