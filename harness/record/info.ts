import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { FrostlineError, sentence } from '../errors.ts';

/** Why some trials of a cell were not run to the end. */
const problemSchema = z.object({
  cell: z.string(),
  trials: z.int().nonnegative(),
  reason: z.string(),
});

/** Contents of run.json: the description of a run, without its records. */
export const runInfoSchema = z.object({
  schema: z.literal(1),
  run: z.string(),
  /** The matrix's name. */
  name: z.string(),
  /** ISO instants. */
  started: z.string(),
  finished: z.string().nullable(),
  /** `running` with a dead process means that it was killed. */
  status: z.enum(['running', 'finished', 'interrupted']),
  matrix: z.object({ file: z.string(), text: z.string() }),
  /** Options of the command line that select or change parts of the matrix, as typed. */
  options: z.object({
    select: z.array(z.string()),
    shard: z.string().nullable(),
    jobs: z.int().positive().nullable(),
    /** The kernel that all distros booted in place of their own; null for none. */
    kernel: z.string().nullable().default(null),
  }),
  /** Ids of the cells to be measured, in the matrix's order. */
  cells: z.array(z.string()),
  /** Trials per cell; the maximum where each cell is measured until its rate is known. */
  trials: z.int().positive(),
  sampling: z.object({ min: z.int().positive(), halfWidth: z.number().positive() }).nullable().default(null),
  version: z.string(),
  host: z.object({
    os: z.string(),
    kernel: z.string(),
    cpus: z.int().positive(),
    memoryMiB: z.int().positive(),
    node: z.string(),
  }),
  /** By distro: the kernel that was booted, where it came from outside the machine. */
  kernels: z.record(z.string(), z.object({ name: z.string(), sha256: z.string() })).default({}),
  /** How machines were emulated; null until the lab is prepared. */
  lab: z.string().nullable(),
  problems: z.array(problemSchema),
});
export type RunInfo = z.infer<typeof runInfoSchema>;

const fileName = 'run.json';

/** Reads run.json of a run folder. Rejects with a 'results' error when it is missing or damaged. */
export async function readInfo(dir: string): Promise<RunInfo> {
  const path = join(dir, fileName);
  let what: string;
  try {
    const parsed = runInfoSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    if (parsed.success) return parsed.data;
    what = z.prettifyError(parsed.error);
  } catch (error) {
    what = sentence(error);
  }
  throw new FrostlineError(`${path} is not the description of a run: ${what}`, {
    code: 'results',
    todo: 'Its records can still be reported: frostline report names the cells that have some.',
  });
}

/** Replaces run.json atomically: after a crash it is the old or the new one, never a mix. */
export async function writeInfo(dir: string, info: RunInfo): Promise<void> {
  await writeWhole(join(dir, fileName), `${JSON.stringify(info, null, 2)}\n`);
}

async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await using file = await open(draft, 'wx');
    await file.writeFile(text);
    await file.sync();
    await rename(draft, path);
    await using folder = await open(dirname(path), 'r');
    await folder.sync();
  } catch (error) {
    await rm(draft, { force: true });
    const { code = 'unknown', message } = error as NodeJS.ErrnoException;
    throw new FrostlineError(`${path} cannot be written (${code}): ${message}`, {
      code: 'results',
      todo: 'The one before it is untouched. Make room or name another folder with --results.',
      cause: error,
    });
  }
}
