import { judge, type Judgement } from '../analyse/expect.ts';
import { exitCode, statesOf } from '../analyse/state.ts';
import { summarise } from '../analyse/summarise.ts';
import { cellName, type RunName, type Summary } from '../analyse/summary.ts';
import { inOneLine } from '../errors.ts';
import { explain } from '../matrix/finding.ts';
import { loadMatrix } from '../matrix/load.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { isOnlyParquet } from '../record/compacted.ts';
import { readInfo, type RunInfo } from '../record/info.ts';
import { isLocked } from '../record/lock.ts';
import { describeFinding, readRecordLists, type RecordFinding } from '../record/read.ts';
import { recordsPath } from '../record/runs.ts';
import type { TrialRecord } from '../record/schema.ts';

/** A run as read from its folder. */
export interface StoredRun {
  /** Its run.json; undefined when that is lost. */
  readonly info: RunInfo | undefined;
  readonly summary: Summary;
  /** Undefined when it is lost or does not load here. */
  readonly matrix: Matrix | undefined;
  readonly judgements: readonly Judgement[];
  readonly exitCode: 0 | 1 | 69;
  /** Damage found in the folder, as sentences; everything else was read. */
  readonly findings: readonly string[];
}

const findingsShown = 5;

/**
 * Reads, sums up and judges the run in a folder. Damaged parts are left out and reported in `findings`; rejects with a
 * 'results' error only when the records cannot be read at all.
 */
export async function readStoredRun(dir: string): Promise<StoredRun> {
  const findings: string[] = [];
  const info = await readInfo(dir).catch((error: unknown) => {
    findings.push(inOneLine(error));
    return undefined;
  });
  const path = recordsPath(dir);
  const damage: RecordFinding[] = [];
  let damaged = 0;
  const records = await recordLists(dir, (finding) => {
    if (++damaged <= findingsShown) damage.push(finding);
  });
  const loaded = info === undefined ? undefined : loadMatrix(info.matrix.text, info.matrix.file);
  const matrix = loaded?.ok === true ? loaded.matrix : undefined;
  const lost =
    info === undefined
      ? 'run.json is lost, and with it what was planned and expected'
      : matrix === undefined
        ? "the run's matrix does not load here, so that nothing tells what was expected"
        : undefined;
  const run = await runName(dir, info);
  const summary = await summarise({
    run: lost === undefined ? run : { ...run, lost },
    cells: (info?.cells ?? []).map(cellName),
    records,
    problems: info?.problems ?? [],
    contrasts: matrix?.contrasts ?? [],
  });
  findings.push(...damage.map((finding) => `${path}: ${describeFinding(finding)}`));
  if (damaged > damage.length) findings.push(`${path}: ${damaged - damage.length} more lines left out`);
  if (loaded?.ok === false) {
    const [first] = loaded.findings;
    const why = first === undefined ? '' : ` (line ${first.line}: ${explain(first)})`;
    findings.push(
      `The run's matrix does not load here, so nobody can say whether its cells are as expected${why}.`,
    );
  }
  const judgements = judge(summary, matrix?.expect ?? []);
  const code = exitCode(statesOf(summary, judgements));
  return { info, summary, matrix, judgements, exitCode: code, findings };
}

/** The records of a run in lists, wherever they are stored; damage is reported. */
export async function recordLists(
  dir: string,
  onFinding: (finding: RecordFinding) => void,
): Promise<AsyncIterable<TrialRecord[]>> {
  if (await isOnlyParquet(dir)) return (await import('../history/restore.ts')).readParquet(dir);
  return readRecordLists(recordsPath(dir), onFinding);
}

async function runName(dir: string, info: RunInfo | undefined): Promise<RunName> {
  if (info === undefined) {
    return { id: dir, name: dir, started: null, status: 'unknown', trials: null, lab: null };
  }
  const { run: id, name, started, trials, sampling, lab } = info;
  const killed = info.status === 'running' && !(await isLocked(dir));
  return { id, name, started, status: killed ? 'killed' : info.status, trials, sampling, lab };
}
