import { bisect, type Finding } from '../analyse/bisection.ts';
import { byVersion } from '../analyse/versions.ts';
import { explainRecords } from '../analyse/explain.ts';
import { Sprt, type Hypotheses } from '../analyse/sprt.ts';
import type { CellSummary } from '../analyse/summary.ts';
import { FrostlineError } from '../errors.ts';
import { listKernels } from '../lab/kernels/debian.ts';
import { loadMatrix } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { planCells } from '../plan/cells.ts';
import { createRun } from '../record/runs.ts';
import { escapeTerminal } from '../report/escape.ts';
import { explainReport } from '../report/explain.ts';
import { figures } from '../report/words.ts';
import type { Io } from './io.ts';
import { formatFindings } from './matrix.ts';
import { measure, version } from './measure.ts';
import { readStoredRun, recordLists } from './stored-run.ts';

export interface BisectOptions {
  readonly results: string;
  readonly jobs?: number;
  readonly workload: string;
  readonly strategy: string;
  readonly cgroup: string;
  readonly runtime: string;
  readonly userland?: string;
  readonly suite: readonly string[];
  readonly good?: string;
  readonly bad?: string;
  readonly goodRate: number;
  readonly badRate: number;
}

/** A kernel of Debian's archive. */
interface Candidate {
  readonly text: string;
  readonly name: string;
  readonly version: string;
}

/** A kernel that was tested. */
interface Step {
  readonly candidate: Candidate;
  readonly finding: Finding;
  readonly dir: string;
}

/** Maximum number of trials per kernel; one that needs more is too close to call. */
const most = 200;

/**
 * `frostline bisect`: finds the first kernel of Debian's archive, by version, that no longer freezes a workload as
 * earlier ones did. Each step is a run of its own, with as many trials as a reliable verdict takes. Exits with 0 when
 * it is found, 1 when all are good or all are bad, 69 when none could be tested.
 */
export async function bisectKernels(options: BisectOptions, io: Io): Promise<void> {
  if (options.goodRate <= options.badRate)
    throw new FrostlineError(`--good-rate ${options.goodRate} is not above --bad-rate ${options.badRate}.`, {
      code: 'usage',
    });
  // report mistakes in the options before anything is fetched
  matrixFor(options, 'deb:bookworm');
  const candidates = within(await knownKernels(options.suite, io), options);
  io.stderr.write(
    `frostline: ${candidates.length} kernels from ${candidates[0]!.version} to ${candidates.at(-1)!.version}\n`,
  );
  const steps: Step[] = [];
  const border = await bisect(candidates, async (candidate, left) => {
    const step = await judge(candidate, options, io);
    steps.push(step);
    io.stdout.write(`${escapeTerminal(await stepLine(step, left))}\n`);
    return step.finding;
  });
  const place = (one: Candidate | null): string => (one === null ? 'none' : `${one.version}  ${one.text}`);
  io.stdout.write(`\nlast good  ${place(border.lastGood)}\nfirst bad  ${place(border.firstBad)}\n`);
  if (border.between.length > 0)
    io.stdout.write(`between    ${border.between.map((one) => one.version).join(', ')}: could not be told\n`);
  const found = steps.find(({ candidate }) => candidate === border.firstBad);
  if (found !== undefined) await explainStep(found, io);
  const isFound = border.lastGood !== null && border.firstBad !== null;
  io.setExitCode(isFound ? 0 : border.lastGood === null && border.firstBad === null ? 69 : 1);
}

/** The cloud-flavour kernels of the suites, each once, oldest version first. */
async function knownKernels(suites: readonly string[], io: Io): Promise<Candidate[]> {
  const found = new Map<string, Candidate>();
  for (const suite of suites) {
    for (const { name, version: is } of await listKernels(suite, { signal: io.signal })) {
      const key = `${name}=${is}`;
      if (!found.has(key)) found.set(key, { text: `deb:${suite}/${key}`, name, version: is });
    }
  }
  return [...found.values()].sort((a, b) => byVersion(a.version, b.version) || byVersion(a.name, b.name));
}

/** The kernels from the first whose version begins with --good to the last whose version begins with --bad. */
function within(all: readonly Candidate[], { good, bad }: BisectOptions): Candidate[] {
  const from = good === undefined ? 0 : all.findIndex((one) => one.version.startsWith(good));
  const to = bad === undefined ? all.length - 1 : all.findLastIndex((one) => one.version.startsWith(bad));
  const missing = from < 0 ? good : to < 0 ? bad : undefined;
  if (missing !== undefined || from >= to)
    throw new FrostlineError(
      missing === undefined
        ? 'There are no two kernels from --good to --bad.'
        : `No kernel's version begins with "${missing}".`,
      {
        code: 'usage',
        todo: `Known: ${all[0]?.version ?? 'none'} to ${all.at(-1)?.version ?? 'none'}; \`frostline doctor --kernels SUITE\` lists them.`,
      },
    );
  return all.slice(from, to + 1);
}

/** A matrix with one cell on one kernel. Rejects ('matrix') when an option names something unknown. */
function matrixFor(options: BisectOptions, kernel: string): Matrix {
  const { workload, strategy, cgroup, runtime, userland } = options;
  // JSON is valid YAML
  const matrix = {
    name: 'bisect',
    // the test of the two rates ends it
    trials: { min: 8, max: most, halfWidth: 0.01 },
    machines: 2,
    deadline: '5s',
    distros: { kernel: { driver: 'qemu', kernel, ...(userland === undefined ? {} : { userland }) } },
    cgroups: [cgroup],
    runtimes: [runtime],
    workloads: [workload],
    strategies: { [strategy]: { preset: strategy } },
  };
  const text = JSON.stringify(matrix, null, 2);
  const loaded = loadMatrix(text, 'the matrix of a step');
  if (loaded.ok) return loaded.matrix;
  throw new FrostlineError(`No cell is meant.\n${formatFindings(loaded.findings, text)}`, { code: 'matrix' });
}

async function judge(candidate: Candidate, options: BisectOptions, io: Io): Promise<Step> {
  const matrix = matrixFor(options, candidate.text);
  const cells = [...planCells(matrix)];
  await using open = await createRun(options.results, {
    name: `bisect-${candidate.version}`,
    matrix: { file: 'matrix.yaml', text: matrix.text },
    options: { select: [], shard: null, jobs: options.jobs ?? null, kernel: null },
    cells: cells.map(({ id }) => id),
    ...{ trials: matrix.trials, sampling: matrix.sampling, version: version() },
  });
  const rates: Hypotheses = { good: options.goodRate, bad: options.badRate };
  const sampler = new Sprt(rates);
  const progress = { finished: new Set<string>(), lastMachine: 0 };
  await measure({ open, matrix, cells, progress, sampler }, options, io);
  return { candidate, finding: sampler.verdict ?? 'skip', dir: open.dir };
}

async function stepLine({ candidate, finding, dir }: Step, left: number): Promise<string> {
  const { summary } = await readStoredRun(dir);
  const cell: CellSummary = summary.cells[0]!;
  const { count, rate } = figures(cell);
  const seen = cell.rate === null ? (cell.notMeasured?.reason ?? '') : `${count} ${rate}`;
  return `${finding.padEnd(4)}  ${candidate.version.padEnd(22)}  ${seen}  (of ${left} left; ${summary.run.id})`;
}

async function explainStep({ dir }: Step, io: Io): Promise<void> {
  const lists = await recordLists(dir, () => undefined);
  const flat = async function* () {
    for await (const list of lists) yield* list;
  };
  io.stdout.write(`\n${explainReport(await explainRecords(flat()))}`);
}
