import type { TrialRecord } from '../record/schema.ts';
import type { Blocker } from '../trial/protocol.ts';
import { causeOf, type Cause } from './causes.ts';

/** One cause of a cell's failures. */
export interface Explained {
  /** Null: there were blockers, but no rule matches any of them. */
  readonly cause: Cause | null;
  readonly trials: number;
  /** A task that shows it. */
  readonly example: Blocker;
}

/** Why a cell did not freeze. */
export interface CellExplanation {
  readonly cell: string;
  readonly releases: readonly string[];
  /** Trials that did not freeze; `trials`: all counted ones. */
  readonly failed: number;
  readonly trials: number;
  /** The most frequent first. */
  readonly causes: readonly Explained[];
  /** Failed trials in which no blocker was seen. */
  readonly unseen: number;
}

interface Gathered {
  trials: number;
  failed: number;
  unseen: number;
  readonly releases: Set<string>;
  readonly causes: Map<string, { cause: Cause | null; trials: number; example: Blocker }>;
}

/**
 * Explains the failures of the cells that `wanted` picks, in the order of the records; cells without a failure are left
 * out. A trial counts towards the cause of its first blocker that matches a rule; blockers come with the likeliest
 * first.
 */
export async function explainRecords(
  records: AsyncIterable<TrialRecord> | Iterable<TrialRecord>,
  wanted: (cell: string) => boolean = () => true,
): Promise<CellExplanation[]> {
  const cells = new Map<string, Gathered>();
  for await (const record of records) {
    const { cell, outcome, guest, blockers } = record;
    if (!wanted(cell) || (outcome !== 'frozen' && outcome !== 'not-frozen' && outcome !== 'false-frozen'))
      continue;
    const fresh: Gathered = { trials: 0, failed: 0, unseen: 0, releases: new Set(), causes: new Map() };
    const gathered = cells.get(cell) ?? fresh;
    cells.set(cell, gathered);
    gathered.trials++;
    const release = guest?.release ?? null;
    if (release !== null) gathered.releases.add(release);
    if (outcome !== 'not-frozen') continue;
    gathered.failed++;
    const [first] = blockers;
    if (first === undefined) {
      gathered.unseen++;
      continue;
    }
    const scene = { cgroup: cell.split('/')[1] ?? '', release };
    const known = blockers
      .map((task) => ({ task, cause: causeOf(task, scene) }))
      .find(({ cause }) => cause !== null);
    const { task: example, cause } = known ?? { task: first, cause: null };
    const entry = gathered.causes.get(cause?.key ?? '') ?? { cause, trials: 0, example };
    gathered.causes.set(cause?.key ?? '', entry);
    entry.trials++;
  }
  return [...cells].flatMap(([cell, { trials, failed, unseen, releases, causes }]): CellExplanation[] =>
    failed === 0
      ? []
      : [
          {
            ...{ cell, releases: [...releases].sort(), failed, trials, unseen },
            causes: [...causes.values()].sort((a, b) => b.trials - a.trials),
          },
        ],
  );
}
