import { copyFile, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { TrialOutcome } from '../trial/experiment.ts';
import { consolesOf } from './runs.ts';
import type { TrialRecord } from './schema.ts';

/**
 * The folder with the evidence of a cell's trials, relative to the run. A record's cell may be any text; none escapes
 * the folder.
 */
export const evidenceOfCell = (cell: string): string => join('evidence', join('/', cell));

/** The folder with the evidence of one trial, relative to the run: `evidence/CELL/TRIAL`. */
export const evidenceFolder = ({ cell, trial }: Pick<TrialRecord, 'cell' | 'trial'>): string =>
  join(evidenceOfCell(cell), String(trial));

/** Failed trials kept per cell: further ones would show the same. */
const kept = 3;
const maxConsole = 64 * 1024;

/** What is kept of a trial besides its record. */
export interface Finds {
  readonly outcome: Pick<TrialOutcome, 'looks' | 'logs'>;
  /** Output collected from the machine afterwards, by file name. */
  readonly said: ReadonlyMap<string, string>;
}

/** Keeps evidence of why trials failed, for the first failures of each cell. */
export class Evidence {
  readonly #dir: string;
  readonly #kept = new Map<string, number>();

  /** `dir` is the run's folder. */
  constructor(dir: string) {
    // Node's recursive mkdir of a relative path never returns when the working directory is gone
    this.#dir = resolve(dir);
  }

  /** Whether evidence of another failure of a cell is wanted; if so, counts it. */
  wants(cell: string): boolean {
    const count = this.#kept.get(cell) ?? 0;
    if (count >= kept) return false;
    this.#kept.set(cell, count + 1);
    return true;
  }

  /**
   * Writes a trial's folder: record.json, timeline.txt (the freezer's states), blockers.json (tasks with stacks, at
   * each look), console.txt (its end), and the output of the machine and its tools. Rejects when it cannot be written.
   */
  async keep(record: TrialRecord, { outcome, said }: Finds): Promise<void> {
    const console = await endOf(join(consolesOf(this.#dir), `${record.machine.id}.log`));
    const files: readonly (readonly [string, string])[] = [
      ['record.json', json(record)],
      ['timeline.txt', timeline(record)],
      ['blockers.json', json([...outcome.looks, { us: null, blockers: record.blockers }])],
      ...(console === '' ? [] : [['console.txt', console] as const]),
      ...said,
      ...outcome.logs,
    ];
    await whole(join(this.#dir, evidenceFolder(record)), async (folder) => {
      await mkdir(folder, { recursive: true });
      for (const [name, text] of files) await writeFile(join(folder, name), text);
    });
  }
}

/**
 * Stores the configuration of a distro's kernel as `kernels/DISTRO.config` of a run. Rejects when it cannot be written.
 */
export async function keepConfig(dir: string, distro: string, config: string): Promise<void> {
  const folder = resolve(dir, 'kernels');
  await mkdir(folder, { recursive: true });
  await whole(join(folder, `${distro}.config`), (path) => copyFile(config, path));
}

/** Writes to a path, or leaves nothing there: on a full disk the space is for the records. */
async function whole(path: string, write: (path: string) => Promise<void>): Promise<void> {
  try {
    await write(path);
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw error;
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The freezer states that were read, each with its time in milliseconds after the first write. */
function timeline({ states, frozenUs, writes, reads, thaws, outcome }: TrialRecord): string {
  const lines = states.map(([us, state]) => `${(us / 1000).toFixed(3).padStart(12)} ms  ${state}`);
  const end = frozenUs === null ? outcome : `${outcome} after ${(frozenUs / 1000).toFixed(3)} ms`;
  return `${[...lines, `${end}: ${writes} writes, ${reads} reads, ${thaws} thaws`].join('\n')}\n`;
}

/** The end of a file; empty when the file is missing. */
async function endOf(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, maxConsole));
    await file.read(tail, 0, tail.length, size - tail.length);
    return tail.toString('utf8');
  } catch {
    return '';
  }
}
