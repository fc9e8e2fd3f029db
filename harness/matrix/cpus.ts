import type { RawMatrix } from './schema.ts';
import { ownCpus, waysOf, type RawDistro, type RawWay } from './ways.ts';

/** A distro with a certain number of virtual CPUs. */
export interface SizedDistro {
  /** `DISTRO`, or `DISTRO:cpus=N` if N is not the distro's own number. */
  readonly name: string;
  readonly raw: RawDistro;
}

/** The distros of a matrix, each once per number in the matrix's `cpus`. */
export function sizedDistros({ distros, cpus }: Pick<RawMatrix, 'distros' | 'cpus'>): SizedDistro[] {
  return Object.entries(distros).flatMap(([name, raw]) =>
    cpus === undefined ? [{ name, raw }] : [cpus].flat().map((count) => sized(name, raw, count)),
  );
}

/** Splits a name on the distro axis into its key in `distros` and the number of CPUs; null if it names none. */
export function parseSized(name: string): { readonly distro: string; readonly cpus: number | null } {
  const [distro = '', words] = name.split(':cpus=');
  return { distro, cpus: words === undefined ? null : Number(words) };
}

function sized(name: string, raw: RawDistro, cpus: number): SizedDistro {
  const isOwn = waysOf(raw).every(({ way }) => hasCpus(way) && (way.cpus ?? ownCpus) === cpus);
  if (isOwn) return { name, raw };
  const change = <W extends RawWay>(way: W): W => ({ ...way, cpus });
  const changed = 'ways' in raw ? { ways: raw.ways.map(change) } : change(raw);
  return { name: `${name}:cpus=${cpus}`, raw: changed };
}

/** Whether a way creates virtual machines, whose number of CPUs can be chosen. */
export const hasCpus = (way: RawWay): way is Extract<RawWay, { cpus?: number | undefined }> =>
  way.driver === 'qemu' || way.driver === 'vagrant';
