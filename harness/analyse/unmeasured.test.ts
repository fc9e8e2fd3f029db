import { expect, it } from 'vitest';
import { sampleRecord } from '../record/sample.ts';
import { summarise } from './summarise.ts';
import { cellName } from './summary.ts';
import { unmeasured } from './unmeasured.ts';

const run = { id: 'r', name: 'r', started: null, status: 'finished', trials: 1, lab: null } as const;
const idOf = (workload: string): string => `old/v1/none/${workload}/single`;
const seek = (group: string): string => `into /freezer/frostline-${group}: Illegal seek`;

it('has one entry for each reason, tried or not; few cells by their ids', async () => {
  const error = (workload: string, group: string) =>
    sampleRecord({ cell: idOf(workload), outcome: 'lab-error', reason: `${workload}: ${seek(group)}` });
  const names = ['sleep', 'spin', 'fork-storm', 'nested', 'io-uring', 'uffd-user', 'fuse-flush'];
  const { cells } = await summarise({
    run,
    cells: names.map((name) => cellName(idOf(name))),
    records: [
      ...[error('sleep', '12-0'), error('spin', '13-0')],
      ...['io-uring', 'uffd-user'].map((name) =>
        sampleRecord({ cell: idOf(name), outcome: 'unsupported', reason: 'no such system call' }),
      ),
      sampleRecord({ cell: idOf('fuse-flush'), outcome: 'lab-error', reason: 'fuse-flush: /dev/fuse: gone' }),
    ],
    problems: ['fork-storm', 'nested'].map((name) => ({ cell: idOf(name), reason: seek('*') })),
  });
  expect(unmeasured(cells)).toEqual([
    { cells: '4 cells of old on v1 by single', kind: 'lab-error', reason: seek('*') },
    {
      cells: `${idOf('io-uring')}, ${idOf('uffd-user')}`,
      kind: 'unsupported',
      reason: 'no such system call',
    },
    { cells: idOf('fuse-flush'), kind: 'lab-error', reason: 'fuse-flush: /dev/fuse: gone' },
  ]);
});
