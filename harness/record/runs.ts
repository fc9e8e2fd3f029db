import { mkdir, readdir, stat } from 'node:fs/promises';
import { cpus, release, totalmem, type, version as osVersion } from 'node:os';
import { join, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { FrostlineError } from '../errors.ts';
import { readInfo, writeInfo, type RunInfo } from './info.ts';
import { lockRun } from './lock.ts';

/** The inputs of a new run; the rest of its run.json is determined here. */
export interface NewRun extends Pick<
  RunInfo,
  'name' | 'matrix' | 'options' | 'cells' | 'trials' | 'version'
> {
  readonly sampling?: RunInfo['sampling'];
  readonly startedAt?: Date;
}

/** A run that this process writes to: it holds the run's lock until it is disposed. */
export interface OpenRun extends AsyncDisposable {
  readonly id: string;
  readonly dir: string;
  /** The file for its records. */
  readonly recordsPath: string;
  readonly info: RunInfo;
  /** Updates run.json atomically. Rejects with a 'results' error. */
  update(change: Partial<RunInfo>): Promise<void>;
}

/** The records file of a run folder. */
export const recordsPath = (dir: string): string => join(dir, 'records.ndjson');

/** The folder for the console logs of a run's machines; it exists while the run is written to. */
export const consolesOf = (dir: string): string => join(dir, 'consoles');

/**
 * Creates the folder of a new run, named after its start and its matrix (`2026-11-23T02-00-00Z-nightly`, with the
 * suffix `-2` when that exists), and takes its lock. Rejects with a 'results' error.
 */
export async function createRun(resultsDir: string, of: NewRun): Promise<OpenRun> {
  const { startedAt = new Date(), ...given } = of;
  const stamp = startedAt.toISOString().replace(/\.\d+Z$/, 'Z');
  const { run, dir } = await makeFolder(resultsDir, `${stamp.replaceAll(':', '-')}-${slug(of.name)}`);
  const info: RunInfo = {
    schema: 1,
    run,
    sampling: null,
    ...given,
    started: stamp,
    finished: null,
    status: 'running',
    host: hostFacts(),
    kernels: {},
    lab: null,
    problems: [],
  };
  await makeConsoles(dir);
  const lock = await lockRun(dir);
  await writeInfo(dir, info);
  return opened(dir, info, lock);
}

/** Opens a run for resuming: takes its lock and leaves it otherwise unchanged. */
export async function openRun(dir: string): Promise<OpenRun> {
  const info = await readInfo(dir);
  await makeConsoles(dir);
  return opened(dir, info, await lockRun(dir));
}

/** Ids of the runs in a results folder, oldest first; empty when there is no such folder. */
export async function listRuns(resultsDir: string): Promise<string[]> {
  try {
    const entries = await readdir(resultsDir, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && runId.test(entry.name))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unusable(resultsDir, error);
  }
}

/**
 * The folder of a run by its name: a run id, `latest`, a day (`2026-11-20`: the last run started on it, UTC), the name
 * of a matrix (its last run), each with an optional `~N` for the Nth run before it (of the same matrix when a matrix is
 * named), a unique prefix of an id, or a path with a slash. Rejects with a 'results' error that lists the nearest
 * names.
 */
export async function resolveRun(resultsDir: string, name: string): Promise<string> {
  if (name.includes('/') || name === '.') {
    if (await isFolder(name)) return resolve(name);
    throw new FrostlineError(`${name} is not a folder; expected the folder of a run`, { code: 'results' });
  }
  const ids = await listRuns(resultsDir);
  const id = idOf(ids, name);
  if (id !== undefined) return join(resultsDir, id);
  throw new FrostlineError(
    ids.length === 0
      ? `${resultsDir} holds no run, so none is called "${name}"`
      : `no run in ${resultsDir} is called "${name}"; it holds ${ids.length}`,
    {
      code: 'results',
      todo:
        ids.length === 0
          ? 'Make one with frostline run, or name another folder with --results.'
          : `Nearest: ${nearest(ids, name).join(', ')}`,
    },
  );
}

const runId = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-/;
const day = /^\d{4}-\d\d-\d\d$/;

function idOf(ids: readonly string[], name: string): string | undefined {
  if (ids.includes(name)) return name;
  const back = /^(?<from>.+?)(?:~(?<runs>\d+))?$/.exec(name)?.groups;
  const from = back?.['from'] ?? name;
  const runs = Number(back?.['runs'] ?? 0);
  if (from === 'latest') return ids.at(-1 - runs);
  if (day.test(from)) {
    const last = ids.findLastIndex((id) => id.startsWith(`${from}T`));
    return last === -1 ? undefined : ids[last - runs];
  }
  const named = ids.filter((id) => matrixOf(ids, id) === from);
  if (named.length > 0) return named.at(-1 - runs);
  const alike = ids.filter((id) => id.startsWith(name));
  return alike.length === 1 ? alike[0] : undefined;
}

/** The matrix name in a run's id. Of two runs started in the same second the later one has the suffix `-2`. */
function matrixOf(ids: readonly string[], id: string): string {
  const first = id.replace(/-\d+$/, '');
  return (first !== id && ids.includes(first) ? first : id).replace(runId, '');
}

function opened(dir: string, first: RunInfo, lock: AsyncDisposable): OpenRun {
  let info = first;
  let writing = Promise.resolve();
  return {
    id: first.run,
    dir,
    recordsPath: recordsPath(dir),
    get info() {
      return info;
    },
    update(change) {
      info = { ...info, ...change };
      const next = info;
      // serialised, or an older version could be renamed over a newer one
      writing = writing.catch(() => undefined).then(() => writeInfo(dir, next));
      // a caller that ignores the promise still learns of it: the update at the end of the run fails as well
      writing.catch(() => undefined);
      return writing;
    },
    async [Symbol.asyncDispose]() {
      await writing.catch(() => undefined);
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** Created here because no driver does. */
async function makeConsoles(dir: string): Promise<void> {
  // Node's recursive mkdir of a relative path never returns when the working directory is gone
  const consoles = resolve(consolesOf(dir));
  await mkdir(consoles, { recursive: true }).catch((error: unknown) => {
    throw unusable(consoles, error);
  });
}

async function makeFolder(resultsDir: string, id: string): Promise<{ run: string; dir: string }> {
  try {
    await mkdir(resultsDir, { recursive: true });
  } catch (error) {
    throw unusable(resultsDir, error);
  }
  for (let n = 1; ; n++) {
    const run = n === 1 ? id : `${id}-${n}`;
    const dir = join(resultsDir, run);
    try {
      await mkdir(dir);
      return { run, dir };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(dir, error);
    }
  }
}

function unusable(path: string, error: unknown): FrostlineError {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return new FrostlineError(`results folder ${path} cannot be used (${code})`, {
    code: 'results',
    todo: 'Name a folder that can be written to with --results.',
    cause: error,
  });
}

const slug = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._]+/g, '-')
    .replaceAll(/^[-.]+|-+$/g, '')
    .slice(0, 60) || 'run';

function hostFacts(): RunInfo['host'] {
  return {
    os: `${type()} ${osVersion()}`,
    kernel: release(),
    cpus: Math.max(1, cpus().length),
    memoryMiB: Math.max(1, Math.floor(totalmem() / 2 ** 20)),
    node: process.version,
  };
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** The three ids nearest to a name by edit distance, with or without their instant; on a tie the newest first. */
function nearest(ids: readonly string[], name: string): string[] {
  const far = (id: string): number => Math.min(distance(id, name), distance(id.replace(runId, ''), name));
  return ids
    .toReversed()
    .map((id) => ({ id, far: far(id) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, 3)
    .map(({ id }) => id);
}
