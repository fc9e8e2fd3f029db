import { resolve } from 'node:path';
import { dump } from 'js-yaml';
import { parseSized } from './cpus.ts';
import { parseYaml } from './parse.ts';
import type { RawMatrix } from './schema.ts';
import { stepsStrategy } from './sequence.ts';
import { formatImage, formatKernel, parseImage, parseKernel } from './source.ts';
import type { RawDistro, RawWay } from './ways.ts';

/** The name of a cell on each axis. */
export interface CellNames {
  readonly distro: string;
  readonly cgroup: string;
  readonly runtime: string;
  readonly workload: string;
  readonly strategy: string;
}

/** What to change in the matrix of one cell. */
export interface Changes {
  readonly name: string;
  /** Replaces the distro's kernel, e.g. to pin its version; null keeps it. */
  readonly kernel: string | null;
  readonly trials?: number;
}

/**
 * The text of a matrix with only one cell of another matrix, with the same seed and so the same trials. `folder` is the
 * base of the original's relative paths; in the result they are absolute. `text` must be of a matrix that loads.
 */
export function narrow(text: string, folder: string, cell: CellNames, changes: Changes): string {
  const raw = parseYaml(text).parsed?.value as RawMatrix;
  const { kernel, name, trials = raw.trials } = changes;
  const { distro, cpus } = parseSized(cell.distro);
  // every key that is not handled here is kept
  const matrix: RawMatrix = {
    ...raw,
    ...{ name, trials, machines: machinesFor(raw, trials) },
    distros: { [distro]: placeDistro(raw.distros[distro]!, folder, kernel) },
    cpus: cpus ?? undefined,
    cgroups: [cell.cgroup as RawMatrix['cgroups'][number]],
    ...experimentOf(raw, cell),
    // already part of the workload's name
    load: undefined,
    // these refer to cells that are gone
    ...{ exclude: undefined, expect: undefined, contrasts: undefined },
  };
  return dump(defined(matrix), { lineWidth: 110 });
}

type Experiment = Pick<RawMatrix, 'runtimes' | 'workloads' | 'strategies' | 'sequences'>;

/** The parts of the matrix that define what the cell does. */
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

/** Limits the machines to the number of trials to spread over them. */
function machinesFor({ machines }: RawMatrix, trials: RawMatrix['trials']): number | undefined {
  const most = trials === undefined ? 20 : typeof trials === 'number' ? trials : trials.min;
  return machines === undefined ? undefined : Math.min(machines, most);
}

const placeDistro = (distro: RawDistro, folder: string, kernel: string | null): RawDistro =>
  'ways' in distro
    ? { ...distro, ways: distro.ways.map((way) => place(way, folder, kernel)) }
    : place(distro, folder, kernel);

/** A way with absolute paths, and with `kernel` (if not null) in place of its own kernel, if it has one. */
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
