import { existsSync } from 'node:fs';
import { explainRecords } from '../harness/analyse/explain.ts';
import { summarise } from '../harness/analyse/summarise.ts';
import { cellName } from '../harness/analyse/summary.ts';
import { sampleRecord } from '../harness/record/sample.ts';
import type { TrialRecord } from '../harness/record/schema.ts';
import { runPage } from '../harness/report/html/run.ts';
import { pageScript } from '../harness/report/html/script.ts';
import { htmlPage } from '../harness/report/html/shell.ts';
import { Pages } from '../harness/testing/browser.ts';
import type { Line } from './bench-records.ts';

const of = (count: number, name: string): string[] => Array.from({ length: count }, (_, i) => `${name}-${i}`);
const cells = of(20, 'debian').flatMap((distro) =>
  ['v1', 'v2'].flatMap((cgroup) =>
    of(25, 'workload').flatMap((workload) =>
      of(5, 'strategy').map((strategy) => [distro, cgroup, 'none', workload, strategy].join('/')),
    ),
  ),
);

/** 25 trials in five boots, all different; in every third cell some fail, with a stack. */
function* records(): Generator<TrialRecord> {
  for (const [index, cell] of cells.entries()) {
    for (let trial = 0; trial < 25; trial++) {
      const base = { cell, trial, machine: { ...sampleRecord().machine, boot: `${cell} ${trial % 5}` } };
      const isLost = index % 3 === 0 && trial < index % 20;
      const stack = [
        'begin_new_exec',
        'load_elf_binary',
        'bprm_execve',
        'do_execveat_common',
        'do_syscall_64',
      ];
      const blockers = [
        { pid: 100 + trial, comm: 'frostbite', state: 'D', wchan: 'begin_new_exec', syscall: 59, stack },
      ];
      const frozenUs = 100 + index * 37 + trial * 1009;
      yield isLost
        ? sampleRecord({ ...base, outcome: 'not-frozen', frozenUs: null, blockers })
        : sampleRecord({ ...base, frozenUs });
    }
  }
}

/** The HTML report of 5,000 cells: its size, and the time until Chromium has drawn it. */
export async function benchPage(line: Line): Promise<void> {
  const run = {
    id: 'bench',
    name: 'bench',
    started: null,
    status: 'finished',
    trials: 25,
    lab: null,
  } as const;
  const summary = await summarise({ run, cells: cells.map(cellName), records: records() });
  const explanations = await explainRecords(records());
  const data = runPage({ summary, judgements: [], explanations, consoles: new Map() });
  const html = htmlPage(data, await pageScript());
  line('HTML report of 5,000 cells', `${(Buffer.byteLength(html) / 1e6).toFixed(2)} MB`, 'under 5 MB');
  if (!existsSync('/usr/bin/chromium'))
    return line('  drawn by Chromium', 'skipped: no /usr/bin/chromium', 'under 2 s');
  await using pages = await Pages.open();
  await pages.show(html);
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    await pages.show(html);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  line('  drawn by Chromium, median of five', `${(times[2]! / 1000).toFixed(2)} s`, 'under 2 s');
}
