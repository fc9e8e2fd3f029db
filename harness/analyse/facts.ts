import type { Summary } from './summary.ts';

/** Something outside the cells that differs between the runs: a kernel, a tool, the emulation, the host. */
export interface FactChange {
  readonly what: 'kernel' | 'runtime' | 'tool' | 'machines' | 'host' | 'frostline' | 'matrix';
  /** The owner, e.g. a distro; empty for the run itself. */
  readonly of: string;
  readonly base: string;
  readonly head: string;
}

type Facts = ReadonlyMap<string, string>;

/** What differs between two runs for names that both have; a name in only one run is a new or a gone cell. */
export function changedFacts(base: Summary, head: Summary): FactChange[] {
  const kinds = [
    ['kernel', kernels],
    ['runtime', runtimes],
    ['tool', tools],
    ['machines', machines],
  ] as const;
  return kinds.flatMap(([what, factsOf]) => differing(what, factsOf(base), factsOf(head)));
}

/** The entries present in both that differ. */
export function differing(what: FactChange['what'], base: Facts, head: Facts): FactChange[] {
  return [...base].flatMap(([of, before]) => {
    const after = head.get(of);
    return after === undefined || after === before ? [] : [{ what, of, base: before, head: after }];
  });
}

const kernels = (summary: Summary): Facts =>
  gather(
    summary,
    ({ distro }) => distro,
    ({ releases }) => releases,
  );

const runtimes = (summary: Summary): Facts =>
  gather(
    summary,
    ({ distro, runtime }) => `${distro} ${runtime}`,
    ({ runtimeVersions }) => runtimeVersions,
  );

const tools = (summary: Summary): Facts =>
  gather(
    summary,
    ({ distro, strategy }) => `${distro} ${strategy}`,
    ({ tool }) => tool?.versions ?? [],
  );

const machines = (summary: Summary): Facts =>
  gather(
    summary,
    ({ distro }) => distro,
    ({ environments }) => environments.map(({ text }) => text),
  );

type Cell = Summary['cells'][number];

function gather(
  { cells }: Summary,
  nameOf: (cell: Cell) => string,
  wordsOf: (cell: Cell) => readonly string[],
): Facts {
  const words = new Map<string, Set<string>>();
  for (const cell of cells) {
    const own = words.get(nameOf(cell)) ?? new Set();
    words.set(nameOf(cell), own);
    for (const word of wordsOf(cell)) own.add(word);
  }
  return new Map(
    [...words].flatMap(([name, own]) => (own.size === 0 ? [] : [[name, [...own].sort().join(' and ')]])),
  );
}
