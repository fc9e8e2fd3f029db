import { isAbsolute, resolve } from 'node:path';
import { dump } from 'js-yaml';
import { parseYaml } from './parse.ts';
import type { RawMatrix } from './schema.ts';
import { stepsStrategy } from './sequence.ts';
import { formatKernel, parseKernel } from './source.ts';

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
  const distro = raw.distros[cell.distro]!;
  const { kernel, name, trials = raw.trials } = changes;
  const ways = 'ways' in distro ? { ways: distro.ways.map((way) => place(way, folder, kernel)) } : null;
  const isSequence = cell.strategy === stepsStrategy;
  const matrix = {
    name,
    ...defined({ trials, machines: machinesFor(raw, trials), deadline: raw.deadline }),
    ...defined({ seed: raw.seed, startGap: raw.startGap }),
    distros: { [cell.distro]: ways ?? place(distro, folder, kernel) },
    cgroups: [cell.cgroup],
    ...(isSequence
      ? { sequences: { [cell.workload]: raw.sequences?.[cell.workload] } }
      : {
          ...defined({ runtimes: raw.runtimes === undefined ? undefined : [cell.runtime] }),
          workloads: [cell.workload],
          strategies: { [cell.strategy]: raw.strategies?.[cell.strategy] },
        }),
  };
  return dump(matrix, { lineWidth: 110 });
}

/** No more machines than there are trials to spread. */
function machinesFor({ machines }: RawMatrix, trials: RawMatrix['trials']): number | undefined {
  const most = trials === undefined ? 20 : typeof trials === 'number' ? trials : trials.min;
  return machines === undefined ? undefined : Math.min(machines, most);
}

const pathKeys = ['key'] as const;

/** A way whose paths are absolute, with another kernel where it has one at all. */
function place(way: object, folder: string, kernel: string | null): object {
  const placed: Record<string, unknown> = { ...way };
  const { kernel: own, image } = placed;
  if (typeof own === 'string') placed['kernel'] = kernel ?? formatKernel(parseKernel(own, folder));
  if (typeof image === 'string' && image.startsWith('path:') && !isAbsolute(image.slice(5)))
    placed['image'] = `path:${resolve(folder, image.slice(5))}`;
  for (const key of pathKeys) if (typeof placed[key] === 'string') placed[key] = resolve(folder, placed[key]);
  return placed;
}

const defined = (of: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));
