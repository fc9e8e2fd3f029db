/**
 * Runs a matrix for N minutes while injecting random faults: kills QEMU, cuts connections (as root, by `ss -K`), and in
 * the first third kills and resumes the controller. Afterwards no process, machine folder, temporary file or port may
 * be left, no trial lost or counted twice, and the controller's memory may have grown by at most 10 %. With --templates
 * the machines start from templates. Prints a table; exits with 1 when something leaked.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { until } from '../harness/base/deadline.ts';
import { processStart } from '../harness/base/owner.ts';
import { runtimeDir } from '../harness/base/paths.ts';
import { findLeftovers } from '../harness/lab/reap.ts';
import { processesBelow } from '../harness/lab/processes.ts';
import { readRecords } from '../harness/record/read.ts';
import { isFinal } from '../harness/trial/outcome.ts';
import { trialKey } from '../harness/record/finished.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { templates: { type: 'boolean', default: false } },
});
const minutes = Number(positionals[0] ?? 45);
if (!(minutes > 0)) throw new Error(`MINUTES is ${positionals[0]}; a number above 0 was expected`);
const cli = new URL('./frostline', import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), 'frostline-soak-'));
for (const name of ['run', 'tmp']) mkdirSync(join(dir, name), { mode: 0o700 });
// a runtime folder of its own, so that everything left in it comes from this soak
process.env['FROSTLINE_RUNTIME_DIR'] = join(dir, 'run');
const env = { ...process.env, TMPDIR: join(dir, 'tmp') };
/** More trials than there is time for; as many templates as `machines`. */
const matrix = `name: soak
trials: 20000
machines: ${options.templates ? 5 : 1000}
templates: ${options.templates}
deadline: 1s
distros:
  linux-5.10: { driver: qemu, kernel: "deb:bullseye" }
  linux-6.12: { driver: qemu, kernel: "deb:trixie" }
cgroups: [v1, v2]
workloads: [sleep, vfork-exec-storm, fuse-unanswered]
strategies:
  any: { poll: 20ms }
`;
writeFileSync(join(dir, 'soak.yaml'), matrix);

const faults = { 'QEMU killed': 0, 'connection cut': 0, 'controller killed': 0 };
const begin = performance.now();
const total = minutes * 60_000;
const elapsed = (): number => performance.now() - begin;

/** A controller, with its memory and open files sampled once a second. */
interface Controller {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly samples: { readonly atMs: number; readonly rssMiB: number; readonly files: number }[];
}

function startController(isFirst: boolean): Controller {
  const words = isFirst ? ['run', 'soak.yaml', '--jobs', '2'] : ['run', '--resume', 'latest', '--jobs', '2'];
  const child = spawn(cli, words, { cwd: dir, env, stdio: 'ignore' });
  return { child, ended: once(child, 'exit'), samples: [] };
}

function sample({ child, samples }: Controller): void {
  try {
    const rssKiB = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]);
    const files = readdirSync(`/proc/${child.pid}/fd`).length;
    samples.push({ atMs: elapsed(), rssMiB: rssKiB / 1024, files });
  } catch {
    // it has just exited
  }
}

const oneOf = <T>(list: readonly T[]): T | undefined => list[Math.floor(Math.random() * list.length)];

/** The pids of the running machines. */
const machines = async (): Promise<number[]> => (await processesBelow(runtimeDir())).map(({ pid }) => pid);

/** A random machine that has booted: a distro is given up after three failed boots in a row. */
async function bootedMachine(): Promise<number | undefined> {
  const ticks = 100;
  const isBooted = (pid: number): boolean => uptime() - (processStart(pid) ?? Infinity) / ticks > 10;
  return oneOf((await machines()).filter(isBooted));
}

async function killQemu(): Promise<void> {
  const pid = await bootedMachine();
  if (pid === undefined) return;
  process.kill(pid, 'SIGKILL');
  faults['QEMU killed']++;
}

/** Lets the host's kernel destroy a connection: both ends notice. */
async function cutConnection(): Promise<void> {
  const pid = await bootedMachine();
  const open = execFileSync('ss', ['-tnpH', 'state', 'established'], { encoding: 'utf8' }).split('\n');
  const port = /127\.0\.0\.1:(\d+)/.exec(open.find((line) => line.includes(`pid=${pid},`)) ?? '')?.[1];
  if (port === undefined) return;
  execFileSync('ss', ['-K', 'dst', '127.0.0.1', 'dport', '=', port], { stdio: 'ignore' });
  faults['connection cut']++;
}

/** Runs a controller until a given time, with a fault every few seconds. */
async function torment(controller: Controller, untilMs: number): Promise<void> {
  let next = elapsed() + 10_000;
  while (elapsed() < untilMs && controller.child.exitCode === null) {
    await sleep(1000);
    sample(controller);
    if (elapsed() < next) continue;
    next = elapsed() + 5000 + Math.random() * 10_000;
    await (Math.random() < 0.5 ? killQemu() : cutConnection()).catch(() => undefined);
  }
}

async function end({ child, ended }: Controller, signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
  child.kill(signal);
  await ended;
}

/** The minimum memory use in a part of its life, i.e. what garbage collection leaves. */
function least({ samples }: Controller, from: number, to: number): number {
  const first = samples[0]?.atMs ?? 0;
  const last = samples.at(-1)?.atMs ?? 0;
  const at = (share: number): number => first + share * (last - first);
  const part = samples.filter(({ atMs }) => atMs >= at(from) && atMs <= at(to));
  return Math.min(...part.map(({ rssMiB }) => rssMiB));
}

let controller = startController(true);
while (elapsed() < total / 3) {
  await torment(controller, elapsed() + 15_000 + Math.random() * 20_000);
  await end(controller, 'SIGKILL');
  faults['controller killed']++;
  await until({ ms: 10_000, what: 'the machines to end' }, 50, async () =>
    (await machines()).length === 0 ? true : undefined,
  );
  controller = startController(false);
}
await torment(controller, total);
const endedEarly = controller.child.exitCode !== null;
await end(controller, 'SIGINT');
const processes = (await machines()).length;
execFileSync(cli, ['clean'], { cwd: dir, env, stdio: 'ignore' });

const results = join(dir, 'results');
const [run = ''] = readdirSync(results);
const kept = new Set<string>();
let twice = 0;
let errors = 0;
const lost = { 'lab-error': 0, 'kernel-crash': 0, 'kernel-hang': 0 };
for await (const { cell, trial, outcome } of readRecords(
  join(results, run, 'records.ndjson'),
  () => errors++,
)) {
  if (Object.hasOwn(lost, outcome)) lost[outcome as keyof typeof lost]++;
  if (!isFinal(outcome)) continue;
  if (kept.has(trialKey(cell, trial))) twice++;
  kept.add(trialKey(cell, trial));
}
const [before, after] = [least(controller, 0.25, 0.5), least(controller, 0.75, 1)];
const early = controller.samples.at(Math.floor(controller.samples.length / 4))!.files;
const growth = (100 * (after - before)) / before;

/** Each check, what was seen, and whether it is as it should be. */
const rows: readonly (readonly [what: string, seen: string, isGood: boolean])[] = [
  ...Object.entries(faults).map(([what, count]) => [what, String(count), true] as const),
  ['trials measured', String(kept.size), kept.size > 0],
  ...Object.entries(lost).map(([what, count]) => [`of outcome ${what}`, String(count), true] as const),
  ['trials counted twice', String(twice), twice === 0],
  ['lines that are no record', String(errors), errors === 0],
  ['runs in the results folder', String(readdirSync(results).length), readdirSync(results).length === 1],
  ['controller ended by itself', endedEarly ? 'yes' : 'no', !endedEarly],
  ['processes left, and with them ports', String(processes), processes === 0],
  [
    'machine folders left after clean',
    String((await findLeftovers()).length),
    (await findLeftovers()).length === 0,
  ],
  [
    'temporary files left',
    String(readdirSync(join(dir, 'tmp')).length),
    readdirSync(join(dir, 'tmp')).length === 0,
  ],
  [
    'open files of the controller',
    `${early}, then ${controller.samples.at(-1)!.files}`,
    controller.samples.at(-1)!.files <= early + 20,
  ],
  [
    'memory of the controller',
    `${before.toFixed(0)} MiB, then ${after.toFixed(0)} MiB (${growth.toFixed(1)} %)`,
    growth <= 10,
  ],
];
for (const [what, seen, isGood] of rows)
  process.stdout.write(`${isGood ? 'ok  ' : 'LEAK'}  ${what.padEnd(34)}  ${seen}\n`);
process.stdout.write(`${minutes} minutes; all of it is in ${dir}\n`);
process.exitCode = rows.every(([, , isGood]) => isGood) ? 0 : 1;
