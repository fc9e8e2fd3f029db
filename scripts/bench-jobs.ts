import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testBoots } from '../harness/analyse/boots.ts';
import type { Cluster } from '../harness/analyse/interval.ts';
import { listKernels } from '../harness/lab/kernels/debian.ts';
import { fetchKernel } from '../harness/lab/kernels/fetch.ts';
import { readRecords } from '../harness/record/read.ts';
import { recordsPath } from '../harness/record/runs.ts';
import { countedOutcomes, isSuccess } from '../harness/trial/outcome.ts';
import type { Line } from './bench-records.ts';

const cli = new URL('./frostline', import.meta.url).pathname;

/** Runs a matrix with this many concurrent machines; resolves with the folder of its run and the seconds it took. */
function run(dir: string, matrix: string, words: readonly string[]): { folder: string; seconds: number } {
  const results = mkdtempSync(join(dir, 'results-'));
  const began = performance.now();
  const { status, stderr } = spawnSync(cli, ['run', matrix, '--results', results, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  const seconds = (performance.now() - began) / 1000;
  if (status !== 0 && status !== 1) throw new Error(`frostline ended with ${status}: ${stderr.slice(-2000)}`);
  const name = readdirSync(results).find((one) => one.startsWith('2'));
  return { folder: join(results, name!), seconds };
}

/** Provides a temporary folder with a matrix in it while `work` runs. */
async function withMatrix(text: string, work: (dir: string, file: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'frostline-bench-'));
  try {
    const file = join(dir, 'matrix.yaml');
    writeFileSync(file, text);
    await work(dir, file);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Frozen and counted trials by boot, for each cell of a run. */
async function clustersOf(folder: string): Promise<Map<string, Cluster[]>> {
  const cells = new Map<string, Map<string, { frozen: number; trials: number }>>();
  for await (const { cell, machine, outcome } of readRecords(recordsPath(folder), () => undefined)) {
    if (!countedOutcomes.has(outcome)) continue;
    const boots = cells.get(cell) ?? new Map<string, { frozen: number; trials: number }>();
    cells.set(cell, boots);
    const boot = boots.get(machine.boot) ?? { frozen: 0, trials: 0 };
    boots.set(machine.boot, boot);
    boot.trials++;
    if (isSuccess(outcome)) boot.frozen++;
  }
  return new Map([...cells].map(([cell, boots]) => [cell, [...boots.values()]]));
}

const rateOf = (clusters: readonly Cluster[]): string => {
  const [frozen, trials] = [
    clusters.reduce((sum, one) => sum + one.frozen, 0),
    clusters.reduce((sum, one) => sum + one.trials, 0),
  ];
  return `${frozen}/${trials}`;
};

/** Whether the rates of races depend on how many machines run concurrently; includes cells that only wait. */
export async function benchJobs(line: Line): Promise<void> {
  const text = `name: jobs
trials: 120
machines: 6
deadline: 1s
templates: true
distros: { linux-6.12: { driver: qemu, kernel: "deb:trixie" } }
cgroups: [v1]
workloads: [vfork-exec-storm, mt-exec-storm, fuse-unanswered]
strategies: { single: { preset: single } }`;
  await withMatrix(text, async (dir, file) => {
    // this makes the templates
    run(dir, file, ['--jobs', '2', '--select', 'workload=mt-exec-storm']);
    const alone = run(dir, file, ['--jobs', '1']);
    const others = [2, 8].map((jobs) => ({ jobs, ...run(dir, file, ['--jobs', String(jobs)]) }));
    const base = await clustersOf(alone.folder);
    line('360 trials of three cells with --jobs 1', `${alone.seconds.toFixed(1)} s`, 'no bound');
    for (const [cell, clusters] of base) line(`  ${cell}`, rateOf(clusters), '-');
    for (const { jobs, folder, seconds } of others) {
      line(
        `  with --jobs ${jobs}`,
        `${seconds.toFixed(1)} s`,
        `${(alone.seconds / seconds).toFixed(1)} times as fast`,
      );
      for (const [cell, clusters] of await clustersOf(folder)) {
        const p = testBoots(base.get(cell)!, clusters);
        line(`  ${cell}`, rateOf(clusters), p === null ? 'as --jobs 1' : `as --jobs 1: p = ${p.toFixed(2)}`);
      }
    }
  });
}

/**
 * The newest kernels of each suite, filled up with older ones to twelve; the lists name some that no mirror has any
 * more.
 */
async function twelveKernels(): Promise<string[]> {
  const suites = ['bullseye', 'bookworm', 'trixie', 'trixie-backports', 'sid'];
  const lists = await Promise.all(
    suites.map(async (suite) =>
      (await listKernels(suite)).map(({ name, version }) => ({
        ...{ kind: 'deb' as const, text: `deb:${suite}/${name}=${version}` },
        ...{ suite, package: name, version },
      })),
    ),
  );
  const depth = Math.max(...lists.map((list) => list.length));
  const kernels: string[] = [];
  for (const source of Array.from({ length: depth }, (_, i) =>
    lists.flatMap((list) => list[i] ?? []),
  ).flat()) {
    const kernel = await fetchKernel(source).catch(() => undefined);
    if (kernel !== undefined) kernels.push(source.text);
    if (kernels.length === 12) break;
  }
  return kernels;
}

const shards = 60;

/** A part of a matrix of a nightly run's size: the time per trial, and how concurrent machines reduce it. */
export async function benchNightly(line: Line): Promise<void> {
  const kernels = await twelveKernels();
  const text = `name: size
trials: 20
machines: 2
deadline: 2s
templates: true
distros:
${kernels.map((kernel, i) => `  linux-${i + 1}: { driver: qemu, kernel: "${kernel}" }`).join('\n')}
cgroups: [v1, v2]
workloads: [sleep, spin, pipe-read, vfork-parent, fork-storm, exec-storm, vfork-exec-storm, mt-exec-storm, fuse-unanswered, fsfreeze-write]
strategies: { single: { preset: single }, rewrite: { preset: rewrite }, runc: { preset: runc }, criu-4.1: { preset: criu-4.1 } }`;
  await withMatrix(text, async (dir, file) => {
    const part = ['--shard', `1/${shards}`];
    // makes the templates first: they exist on every night but the first
    const few = join(dir, 'few.yaml');
    writeFileSync(few, text.replace('trials: 20', 'trials: 2'));
    const first = run(dir, few, part);
    line('the kernels of this part booted twice and saved', `${first.seconds.toFixed(0)} s`, 'no bound');
    let alone = 0;
    for (const jobs of ['1', '2', '4', 'auto']) {
      const { folder, seconds } = run(dir, file, [...part, '--jobs', jobs]);
      alone ||= seconds;
      const trials = [...(await clustersOf(folder)).values()]
        .flat()
        .reduce((sum, one) => sum + one.trials, 0);
      line(
        `  a trial, with --jobs ${jobs} (of ${trials})`,
        `${((seconds / trials) * 1000).toFixed(0)} ms`,
        `${(alone / seconds).toFixed(1)} times as fast`,
      );
    }
  });
}
