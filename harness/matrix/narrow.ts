import { resolve } from 'node:path';
import { dump } from 'js-yaml';
import { parseSized } from './cpus.ts';
import { parseYaml } from './parse.ts';
import type { RawMatrix } from './schema.ts';
import { stepsStrategy } from './sequence.ts';
import { formatImage, formatKernel, parseImage, parseKernel } from './source.ts';
import type { RawDistro, RawWay } from './ways.ts';

/** The names of a cell. */
export interface CellNames {
  readonly distro: string;
  readonly cgroup: string;
  readonly runtime: string;
  readonly workload: string;
  readonly strategy: string;
}

/** What is to be different in the matrix of one cell. */
export interface Changes {
  readonly name: string;
  /** Replaces the distro's own, e.g. by one version of it; null leaves it. */
  readonly kernel: string | null;
  readonly trials?: number;
}

/**
 * The text of a matrix that has one cell of another, with the same seed and so the same trials. `folder` is where the
 * other's relative paths start; in the new one they are absolute. The text must be of a matrix that loads.
 */
export function narrow(text: string, folder: string, cell: CellNames, changes: Changes): string {
  const raw = parseYaml(text).parsed?.value as RawMatrix;
  const { kernel, name, trials = raw.trials } = changes;
  const { distro, cpus } = parseSized(cell.distro);
  // whatever a matrix has is kept, unless it is said here what becomes of it
  const matrix: RawMatrix = {
    ...raw,
    ...{ name, trials, machines: machinesFor(raw, trials) },
    distros: { [distro]: placeDistro(raw.distros[distro]!, folder, kernel) },
    cpus: cpus ?? undefined,
    cgroups: [cell.cgroup as RawMatrix['cgroups'][number]],
    ...experimentOf(raw, cell),
    // the workload's name has it
    load: undefined,
    // they name cells that are gone
    ...{ exclude: undefined, expect: undefined, contrasts: undefined },
  };
  return dump(defined(matrix), { lineWidth: 110 });
}

type Experiment = Pick<RawMatrix, 'runtimes' | 'workloads' | 'strategies' | 'sequences'>;

/** What the one cell does. */
function experimentOf(raw: RawMatrix, { runtime, workload, strategy }: CellNames): Experiment {
  if (strategy === stepsStrategy) {
    const sequences = { [workload]: raw.sequences![workload]! };
    return { runtimes: undefined, workloads: undefined, strategies: undefined, sequences };
  }
  return {
    runtimes: raw.runtimes?.filter((name) => name === runtime),
    workloads: [workload],
    strategies: { [strategy]: raw.strategies![strategy]! },
    sequences: undefined,
  };
}

/** No more machines than there are trials to spread. */
function machinesFor({ machines }: RawMatrix, trials: RawMatrix['trials']): number | undefined {
  const most = trials === undefined ? 20 : typeof trials === 'number' ? trials : trials.min;
  return machines === undefined ? undefined : Math.min(machines, most);
}

const placeDistro = (distro: RawDistro, folder: string, kernel: string | null): RawDistro =>
  'ways' in distro
    ? { ...distro, ways: distro.ways.map((way) => place(way, folder, kernel)) }
    : place(distro, folder, kernel);

/** A way whose paths are absolute, with another kernel where it has one at all. */
function place(way: RawWay, folder: string, kernel: string | null): RawWay {
  switch (way.driver) {
    case 'qemu':
      return {
        ...way,
        ...(way.kernel && { kernel: kernel ?? formatKernel(parseKernel(way.kernel, folder)) }),
        ...(way.image && { image: formatImage(parseImage(way.image, folder)) }),
      };
    case 'ssh':
      return { ...way, ...(way.key && { key: resolve(folder, way.key) }) };
    case 'vagrant':
      return way.box.endsWith('.box') ? { ...way, box: resolve(folder, way.box) } : way;
    case 'local':
      return way;
  }
}

const defined = (of: object): object =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));
