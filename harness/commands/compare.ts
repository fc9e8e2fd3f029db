import { baseline, comparable } from '../analyse/baseline.ts';
import { compare as compareRuns, worseCount, type Comparison } from '../analyse/compare.ts';
import { counterparts } from '../analyse/counterparts.ts';
import { differing, type FactChange } from '../analyse/facts.ts';
import type { Summary } from '../analyse/summary.ts';
import { FrostlineError } from '../errors.ts';
import type { RunInfo } from '../record/info.ts';
import { resolveRun } from '../record/runs.ts';
import { jsonComparison } from '../report/compare/json.ts';
import { markdownComparison } from '../report/compare/markdown.ts';
import { terminalComparison } from '../report/compare/terminal.ts';
import { escapeTerminal } from '../report/escape.ts';
import { isColoured, type Io } from './io.ts';
import { readStoredRun, type StoredRun } from './stored-run.ts';

export interface CompareOptions {
  readonly results: string;
  readonly format: 'terminal' | 'markdown' | 'json';
  /** In percentage points. */
  readonly margin: string;
  readonly failOn?: 'worse';
  /** `OLD=NEW`: compare only distro OLD of base with distro NEW of head. */
  readonly distro?: readonly string[];
  /** Compare cells measured under different conditions nevertheless. */
  readonly mixed?: boolean;
  /** Runs before base, newest first: the bases of cells that base did not measure in full. */
  readonly earlier?: readonly string[];
}

/**
 * `frostline compare BASE HEAD`: what got better or worse between two stored runs. With `failOn` it exits with 1 when
 * something got worse, and with 69 when there was nothing to compare.
 */
export async function compare(base: string, head: string, options: CompareOptions, io: Io): Promise<void> {
  const margin = parseMargin(options.margin);
  const names = [base, ...(options.earlier ?? [])];
  const [headDir, ...baseDirs] = await Promise.all(
    [head, ...names].map((name) => resolveRun(options.results, name)),
  );
  const after = await readRun(headDir!, io);
  // one at a time, so that the memory of one run does not slow down reading the next
  let before: StoredRun | undefined;
  const read = async function* (): AsyncGenerator<StoredRun> {
    for (const dir of baseDirs) {
      const stored = await readRun(dir, io);
      before ??= stored;
      yield stored;
    }
  };
  const { summary, earlier } = await baseline(read(), comparable(after));
  const distros = parseNames(options.distro ?? [], summary, after.summary);
  const sides =
    distros.size === 0
      ? { base: summary, head: after.summary }
      : counterparts(summary, after.summary, distros);
  const compared = compareRuns(sides.base, sides.head, margin, {
    earlier,
    // naming two distros implies that their conditions differ
    mixed: options.mixed === true || distros.size > 0,
  });
  const comparison = { ...compared, facts: [...compared.facts, ...hostFacts(before?.info, after.info)] };
  io.stdout.write(formatComparison(comparison, options.format, io));
  if (options.failOn === undefined) return;
  const nothing = comparison.changes.length + comparison.lost.length === 0;
  io.setExitCode(worseCount(comparison) > 0 ? 1 : nothing ? 69 : 0);
}

function parseMargin(text: string): number {
  const points = Number(text);
  if (text.trim() !== '' && points > 0 && points < 100) return points / 100;
  throw new FrostlineError(`--margin "${text}" is no number of percentage points.`, {
    code: 'usage',
    todo: 'Give one above 0 and below 100: smaller differences count as none.',
  });
}

function parseNames(pairs: readonly string[], base: Summary, head: Summary): ReadonlyMap<string, string> {
  return new Map(
    pairs.map((pair) => {
      // a name may itself contain `=`
      const [from, to = from] = pair.split(/(?<!:cpus)=/, 2) as [string, string?];
      for (const [name, { run, cells }] of [
        [from, base],
        [to, head],
      ] as const) {
        const known = [...new Set(cells.map(({ distro }) => distro))];
        if (known.includes(name)) continue;
        throw new FrostlineError(`--distro "${pair}": ${run.id} has no distro "${name}".`, {
          code: 'usage',
          todo: `It has ${known.join(', ')}.`,
        });
      }
      return [from, to] as const;
    }),
  );
}

async function readRun(dir: string, io: Io): Promise<StoredRun> {
  const stored = await readStoredRun(dir);
  for (const finding of stored.findings) io.stderr.write(`frostline: ${escapeTerminal(finding)}\n`);
  return stored;
}

/** Differences in what run.json says about the host, the harness and the matrix. */
function hostFacts(base: RunInfo | undefined, head: RunInfo | undefined): FactChange[] {
  if (base === undefined || head === undefined) return [];
  const own = (text: string): ReadonlyMap<string, string> => new Map([['', text]]);
  const host = ({ host: { kernel, cpus, memoryMiB, node } }: RunInfo): ReadonlyMap<string, string> =>
    new Map([
      ['its kernel', kernel],
      ['its size', `${cpus} CPUs, ${memoryMiB} MiB`],
      ['its Node.js', node],
    ]);
  const text = (info: RunInfo): string => info.matrix.text;
  const matrix: FactChange = {
    what: 'matrix',
    of: '',
    base: base.matrix.file,
    head: `${head.matrix.file}, another text`,
  };
  return [
    ...differing('host', host(base), host(head)),
    ...differing('frostline', own(base.version), own(head.version)),
    ...(text(base) === text(head) ? [] : [matrix]),
  ];
}

function formatComparison(comparison: Comparison, format: CompareOptions['format'], io: Io): string {
  switch (format) {
    case 'json':
      return jsonComparison(comparison);
    case 'markdown':
      return markdownComparison(comparison);
    case 'terminal':
      return terminalComparison(comparison, { colour: isColoured(io) });
  }
}
