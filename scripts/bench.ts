/**
 * Measures the promised speeds: `npm run bench`. Each line says what was measured, the figure, and the promised bound.
 * Nothing fails: shared machines are noisy, so people judge. `npm run bench -- plan records` measures only these;
 * `peers`, `jobs`, `nightly`, `many` and `history` take minutes and run only when named.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMatrix } from '../harness/matrix/load.ts';
import { benchJobs, benchNightly } from './bench-jobs.ts';
import { benchMachines, benchMany, median } from './bench-machines.ts';
import { benchPage } from './bench-page.ts';
import { benchPeers } from './bench-peers.ts';
import { benchHistory, benchRecords, type Measure } from './bench-records.ts';

const cli = new URL('./frostline', import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), 'frostline-bench-'));

function line(what: string, figure: string, promise: string): void {
  process.stdout.write(`${what.padEnd(58)} ${figure.padStart(12)}   promised: ${promise}\n`);
}

function timeHelp(): void {
  const times = Array.from({ length: 7 }, () => {
    const began = performance.now();
    execFileSync(cli, ['--help'], { stdio: 'ignore' });
    return performance.now() - began;
  });
  line('frostline --help', `${median(times).toFixed(0)} ms`, 'under 300 ms');
}

/** 100 kernels x 2 cgroups x 10 workloads x 500 strategies. */
function planMillion(): void {
  const distros = Array.from(
    { length: 100 },
    (_, i) => `  d${i}: { driver: qemu, kernel: "deb:trixie" }`,
  ).join('\n');
  const strategies = Array.from(
    { length: 500 },
    (_, i) => `  s${i}: { preset: single, deadline: ${i + 1}ms }`,
  ).join('\n');
  const workloads =
    'sleep, spin, sigstop, ptrace-stop, vfork-parent, fork-storm, thread-storm, vfork-exec-storm, mt-exec-storm, mt-exec-once';
  const file = join(dir, 'million.yaml');
  writeFileSync(
    file,
    `name: million\ndistros:\n${distros}\ncgroups: [v1, v2]\nworkloads: [${workloads}]\nstrategies:\n${strategies}\n`,
  );
  for (const format of [[], ['--json']]) {
    const began = performance.now();
    const { stdout, stderr } = spawnSync(
      'sh',
      [
        '-c',
        '"$1" plan "$2" $3 | wc -l; cat "$4" >&2',
        'sh',
        `${dir}/timed`,
        file,
        format.join(' '),
        `${dir}/memory`,
      ],
      { encoding: 'utf8' },
    );
    const seconds = (performance.now() - began) / 1000;
    line(
      `plan of 1,000,000 cells ${format.join(' ')} (${stdout.trim()} lines)`,
      `${seconds.toFixed(2)} s`,
      'under 5 s',
    );
    line('  its memory', `${Math.round(Number(stderr.trim().split('\n').at(-1)) / 1024)} MB`, 'under 500 MB');
  }
}

const measure: Measure = (args) => {
  const began = performance.now();
  const { status, stderr } = spawnSync(join(dir, 'timed'), args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  const seconds = (performance.now() - began) / 1000;
  if (status !== 0) throw new Error(`frostline ${args.join(' ')} ended with ${status}: ${stderr}`);
  return { seconds, megabytes: Math.round(Number(readFileSync(join(dir, 'memory'), 'utf8')) / 1024) };
};

/** Writes a launcher that stores the peak resident size of the command line in a file. */
function writeTimed(): void {
  const script = `import resource, subprocess, sys
code = subprocess.call(['${cli}'] + sys.argv[1:])
open('${dir}/memory', 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
`;
  writeFileSync(join(dir, 'timed'), `#!/usr/bin/env python3\n${script}`, { mode: 0o755 });
}

/** The work per finding must not grow with the size of the text. */
function loadBadMatrix(): void {
  const text = `name: bad\n${Array.from({ length: 20_000 }, (_, i) => `k${i}: &a${i} 1\n`).join('')}`;
  const began = performance.now();
  const loaded = loadMatrix(text, 'bad.yaml');
  const count = loaded.ok ? 0 : loaded.findings.length;
  line(`a matrix with ${count} findings`, `${(performance.now() - began).toFixed(0)} ms`, 'bounded');
}

const parts: Readonly<Record<string, () => void | Promise<void>>> = {
  help: timeHelp,
  plan: planMillion,
  matrix: loadBadMatrix,
  records: () => benchRecords(measure, line),
  page: () => benchPage(line),
  machines: () => benchMachines(line),
  peers: () => benchPeers(line),
  jobs: () => benchJobs(line),
  nightly: () => benchNightly(line),
  many: () => benchMany(line),
  history: () => benchHistory(measure, line),
};
const slow = new Set(['peers', 'jobs', 'nightly', 'many', 'history']);
const named = process.argv.slice(2);
const wrong = named.filter((name) => !(name in parts));
if (wrong.length > 0)
  throw new Error(`no part ${wrong.join(', ')}; there are ${Object.keys(parts).join(', ')}`);

execFileSync(cli, ['--version']);
writeTimed();
for (const [name, bench] of Object.entries(parts)) {
  if (named.length === 0 ? !slow.has(name) : named.includes(name)) await bench();
}
