/** Synthetic runs for benchmarks: any number of trials, with rates, boots and times like those of real runs. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { stored, parquetVersion } from '../harness/history/columns.ts';
import { openDatabase, quote } from '../harness/history/duck.ts';
import type { RunInfo } from '../harness/record/info.ts';
import { sampleRecord } from '../harness/record/sample.ts';

const boots = 40;
const perBoot = 25;
/** Trials of a cell per run. */
export const perCell = boots * perBoot;

const matrix = `name: bench
distros:
  d0: { driver: qemu, kernel: "deb:trixie" }
cgroups: [v1]
workloads: [sleep]
strategies:
  s0: { preset: single }
`;

/** Ids of this many cells: 10 kernels, 2 cgroups, 10 workloads, then strategies. */
const cellIds = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => {
    const [distro, cgroup, workload] = [i % 10, 1 + (Math.floor(i / 10) % 2), Math.floor(i / 20) % 10];
    return `d${distro}/v${cgroup}/none/w${workload}/s${Math.floor(i / 200)}`;
  });

function makeFolder(results: string, day: number, cells: readonly string[]): { run: string; dir: string } {
  const started = new Date(Date.UTC(2026, 0, 1 + day, 2)).toISOString().replace('.000', '');
  const run = `${started.replaceAll(':', '-')}-bench`;
  const dir = join(results, run);
  mkdirSync(dir, { recursive: true });
  const info: RunInfo = {
    ...{ schema: 1, run, name: 'bench', started, finished: started, status: 'finished' },
    matrix: { file: 'bench.yaml', text: matrix },
    options: { select: [], shard: null, jobs: null, kernel: null },
    cells: [...cells],
    ...{ trials: perCell, version: '0.1.0', lab: 'tcg', problems: [], sampling: null, kernels: {} },
    host: { os: 'Linux', kernel: '6.1', cpus: 2, memoryMiB: 4096, node: process.version },
  };
  writeFileSync(join(dir, 'run.json'), JSON.stringify(info));
  return { run, dir };
}

/** Writes a run of `trials` trials as NDJSON, as the harness does; returns its id. */
export function makeRun(results: string, day: number, trials: number): string {
  const cells = cellIds(trials / perCell);
  const { run, dir } = makeFolder(results, day, cells);
  const file = openSync(join(dir, 'records.ndjson'), 'w');
  const { machine, guest } = sampleRecord();
  const blockers = [
    {
      pid: 412,
      comm: 'frostbite',
      state: 'D',
      wchan: 'begin_new_exec',
      syscall: 59,
      stack: ['begin_new_exec', 'load_elf_binary', 'bprm_execve', 'do_execveat_common', '__x64_sys_execve'],
    },
  ];
  for (const [i, cell] of cells.entries()) {
    const lines = Array.from({ length: perCell }, (_, trial) => {
      const boot = Math.floor(trial / perBoot);
      // one cell in three sometimes freezes and sometimes not, and its boots differ
      const frozen = i % 3 !== 0 || (trial * 7919 + boot * 31 + day) % 10 < 3 + (boot % 5);
      return JSON.stringify(
        sampleRecord({
          ...{ run, cell, trial, seed: (trial * 2654435761) % 2 ** 32 },
          ...(frozen
            ? { frozenUs: 500 + ((trial * 7919) % 100_000) }
            : { outcome: 'not-frozen', frozenUs: null, blockers }),
          guest: { ...guest!, release: `6.1.0-${50 + (i % 10)}-cloud-amd64` },
          machine: {
            ...machine,
            id: `m${boot}`,
            boot: `00000000-0000-4000-8000-${String(i * boots + boot).padStart(12, '0')}`,
          },
        }),
      );
    });
    writeSync(file, `${lines.join('\n')}\n`);
  }
  closeSync(file);
  return run;
}

/** Writes `runs` compacted runs of `trials` trials each, using DuckDB. */
export async function makeCompacted(results: string, runs: number, trials: number): Promise<void> {
  const cells = cellIds(trials / perCell);
  await using database = await openDatabase(new AbortController().signal);
  const values: Readonly<Record<string, string>> = {
    cell: `format('d{}/v{}/none/w{}/s{}', c % 10, 1 + c // 10 % 2, c // 20 % 10, c // 200)`,
    trial: 't',
    seed: 'hash(c, t) % 4294967296',
    ended: `TIMESTAMP '2026-01-01 02:00:00' + to_milliseconds(c * ${perCell} + t)`,
    outcome: `CASE WHEN frozen THEN 'frozen' ELSE 'not-frozen' END`,
    stands: 'true',
    frozen_us: 'CASE WHEN frozen THEN 500 + hash(t, c) % 100000 END',
    ...{ writes: '1', reads: '2', thaws: '0', states: `'[[0,"THAWED"]]'` },
    ...{ thaw: `'thawed'`, thaw_us: '50 + hash(t) % 900', casualties: '0' },
    blockers: `CASE WHEN NOT frozen THEN [{pid: 412, comm: 'frostbite', state: 'D', wchan: 'begin_new_exec', syscall: 59, stack: ['begin_new_exec', 'load_elf_binary']}] END`,
    ...{ wall_us: '9000 + hash(t, 1) % 1000', guest_us: '8000 + hash(t, 1) % 1000' },
    release: `'6.1.0-' || (50 + c % 10 + day // 30) || '-cloud-amd64'`,
    ...{ guest_cgroup: `'v1'`, cpus: '2', machine: `'m' || t // ${perBoot}` },
    boot: `format('{:08}-0000-4000-8000-{:012}', day, c * ${boots} + t // ${perBoot})`,
    ...{
      driver: `'qemu'`,
      accel: `'tcg'`,
      threads: `'multi'`,
      qemu: `'10.0.13'`,
      cpu: `'Nehalem'`,
      memory_mib: '512',
    },
  };
  for (let day = 0; day < runs; day++) {
    const { run, dir } = makeFolder(results, day, cells);
    const columns = stored.map(
      ({ name }) => `${name === 'run' ? quote(run) : (values[name] ?? 'NULL')} AS "${name}"`,
    );
    await database.run(
      `COPY (
         SELECT ${columns.join(', ')} FROM (
           SELECT i // ${perCell} AS c, i % ${perCell} AS t, ${day} AS day,
             (c % 3 <> 0 OR hash(i, ${day}) % 10 < 3 + t // ${perBoot} % 5) AS frozen
           FROM range(${trials}) AS ids(i)
         ) ORDER BY cell, ended
       ) TO ${quote(join(dir, 'records.parquet'))}
       (FORMAT parquet, COMPRESSION zstd, KV_METADATA {frostline: ${quote(parquetVersion)}, bytes: '0'})`,
    );
  }
}
