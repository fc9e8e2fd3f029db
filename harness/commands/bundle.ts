import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Pack } from 'tar-stream';
import { FrostlineError, sentence } from '../errors.ts';
import type { RunInfo } from '../record/info.ts';
import { evidenceFolder } from '../record/evidence.ts';
import type { TrialRecord } from '../record/schema.ts';
import type { Io } from './io.ts';
import { recordLists } from './stored-run.ts';
import type { Subject } from './subject.ts';

/** The only files extracted from a bundle, whatever else it has: it may come from anybody. */
const taken: ReadonlySet<string> = new Set(['run.json', 'records.ndjson']);
const maxBytes = 64 * 1024 * 1024;
/** Limits of console and tool logs in a bundle; of a long log the end is kept. */
const maxLogs = 12;
const maxLogBytes = 256 * 1024;

/** Writes everything another person needs to measure a cell again: a tar archive with one folder. */
export async function writeBundle(dir: string, subject: Subject, out: string, io: Io): Promise<void> {
  const records = await recordsOf(dir, subject.cell.id);
  const tar = pack();
  const root = basename(out).replace(/\.tar$/, '');
  const add = (name: string, text: string): void => addFile(tar, `${root}/${name}`, text);
  add('README.md', readme(subject, basename(out)));
  add('matrix.yaml', subject.matrix.text);
  add('run.json', `${JSON.stringify(narrowed(subject), null, 2)}\n`);
  add('records.ndjson', records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  for (const [name, text] of await logsOf(dir, records)) add(name, text);
  tar.finalize();
  const draft = `${out}.${process.pid}.part`;
  try {
    await pipeline(tar, createWriteStream(draft, { flags: 'wx' }));
    await rename(draft, out);
  } catch (cause) {
    await rm(draft, { force: true });
    throw new FrostlineError(`${out} cannot be written: ${String(cause)}`, { code: 'results', cause });
  }
  io.stdout.write(`${out}: ${records.length} records of ${subject.cell.id}\n`);
}

function addFile(tar: Pack, name: string, text: string): void {
  tar.entry({ name, mode: 0o644, mtime: new Date(0) }, text);
}

async function recordsOf(dir: string, cell: string): Promise<TrialRecord[]> {
  const found: TrialRecord[] = [];
  for await (const list of await recordLists(dir, () => undefined))
    for (const record of list) if (record.cell === cell) found.push(record);
  return found;
}

/** The description of the run as if it had had only this cell. */
function narrowed({ info, cell, matrix, kernel }: Subject): RunInfo {
  return {
    ...info,
    matrix: { file: 'matrix.yaml', text: matrix.text },
    options: { ...info.options, select: [], shard: null, kernel: null },
    cells: [cell.id],
    problems: info.problems.filter((problem) => problem.cell === cell.id),
    kernels: kernel === null ? {} : { [cell.distro]: kernel },
  };
}

/** Logs of the cell's failed trials and the console logs of their machines, by name. */
async function logsOf(dir: string, records: readonly TrialRecord[]): Promise<Map<string, string>> {
  const failed = records.filter(({ outcome }) => outcome !== 'frozen' && outcome !== 'passed');
  const names: string[] = [];
  for (const record of failed) {
    const folder = evidenceFolder(record);
    for (const name of await readdir(join(dir, folder)).catch(() => [])) names.push(join(folder, name));
    if (/^m\d+$/.test(record.machine.id)) names.push(join('consoles', `${record.machine.id}.log`));
  }
  const logs = new Map<string, string>();
  for (const name of [...new Set(names)].slice(0, maxLogs)) {
    const text = await readFile(join(dir, name), 'utf8').catch(() => undefined);
    if (text !== undefined) logs.set(name, text.slice(-maxLogBytes));
  }
  return logs;
}

function readme({ info, cell, kernel }: Subject, file: string): string {
  const booted =
    kernel === null ? cell.releases.join(', ') : `${kernel.name} (image sha256 ${kernel.sha256})`;
  return `# ${cell.id}

${cell.frozen} of ${cell.trials} trials froze in the run ${info.run}, with frostline ${info.version}.

- Kernel: ${booted}
- Machines: ${info.lab ?? 'unknown'}
- matrix.yaml: this cell alone, with its seed and the version of its kernel
- records.ndjson: every trial of it, with the tasks that stood in the way and their stacks
- evidence/: of the first trials that failed the states, blockers with stacks, the kernel's log and the tools' own;
  consoles/: what their machines said

Measure it again with \`frostline repro ${file}\`; \`--shell\` leaves the workload as the strategy left it and opens a shell
beside it. Nothing of this archive but run.json and records.ndjson is read for that.
`;
}

/** An unpacked bundle. */
export interface Bundle extends AsyncDisposable {
  /** A folder in the form of a run's. */
  readonly dir: string;
}

/** Unpacks the needed files of a bundle. Rejects ('results') when it is not a bundle, or has a file over 64 MiB. */
export async function openBundle(file: string): Promise<Bundle> {
  const dir = await mkdtemp(join(tmpdir(), 'frostline-repro-'));
  const dispose = (): Promise<void> => rm(dir, { recursive: true, force: true });
  try {
    const found = await readTaken(file);
    for (const name of taken) {
      const text = found.get(name);
      if (text === undefined)
        throw new FrostlineError(`${file} is no bundle of frostline: it has no ${name}.`, {
          code: 'results',
        });
      await writeFile(join(dir, name), text);
    }
    return { dir, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    if (error instanceof FrostlineError) throw error;
    throw new FrostlineError(`${file} is no bundle of frostline: ${sentence(error)}`, {
      code: 'results',
      cause: error,
    });
  }
}

async function readTaken(file: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const archive = extract();
  const read = async (): Promise<void> => {
    for await (const entry of archive) {
      const { name, type, size } = entry.header;
      const own = name.split('/').at(-1) ?? '';
      const isTaken = type === 'file' && taken.has(own) && name.split('/').length <= 2 && !found.has(own);
      if (isTaken && size > maxBytes)
        throw new FrostlineError(`${file}: ${own} has ${size} bytes; at most ${maxBytes} are read.`, {
          code: 'results',
        });
      const parts: Buffer[] = [];
      for await (const part of entry) if (isTaken) parts.push(part as Buffer);
      if (isTaken) found.set(own, Buffer.concat(parts));
    }
  };
  await Promise.all([pipeline(createReadStream(file), archive), read()]);
  return found;
}
