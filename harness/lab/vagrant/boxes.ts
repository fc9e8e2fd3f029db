import { constants, copyFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { command } from '../../base/command.ts';
import { makeFolder, sha256File } from '../../base/files.ts';
import { FrostlineError } from '../../errors.ts';
import type { VagrantWay } from '../../matrix/matrix.ts';
import { boxesOf, give, runInFolder, type Account } from './account.ts';
import { takeDown } from './down.ts';
import { makeMachineFolder, vagrantFiles } from './folder.ts';
import { failure, parseBoxes, parseOutput, type OutputLine } from './output.ts';

/** A box that vagrant has. */
export interface Box {
  readonly name: string;
  readonly version: string | null;
  /** The kernel and initrd of a direct boot; null: it boots by its own boot loader. */
  readonly boot: { readonly kernel: string; readonly initrd: string } | null;
}

/** Suites that scripts/build-box knows. */
const ownBox = /^frostline\/(bookworm|trixie)$/;
const minutes = (n: number): number => n * 60_000;

export interface FetchBox {
  readonly signal: AbortSignal;
  /** See LabContext. */
  readonly onPreparing: (what: string) => () => void;
}

/** Adds a box to vagrant: built here, from a file, or from a registry. Rejects 'kernel' when that fails. */
export async function fetchBox(account: Account, way: VagrantWay, options: FetchBox): Promise<Box> {
  const suite = ownBox.exec(way.box)?.[1];
  if (suite !== undefined) {
    if (way.provider !== 'libvirt')
      throw new FrostlineError(`${way.box} is a box for libvirt, not for ${way.provider}.`, {
        code: 'kernel',
      });
    return ownBoxOf(account, suite, options);
  }
  const isFile = way.box.endsWith('.box');
  const name = isFile ? `file-${(await sha256File(way.box)).slice(0, 16)}` : way.box;
  await withBoxes(account, async (runner) => {
    const { run } = runner;
    if (await has(run, name, way.provider, way.boxVersion)) return;
    const done = options.onPreparing(`box ${way.box}`);
    try {
      if (isFile) await addFile(account, runner, way.box, name);
      else {
        const version = way.boxVersion === null ? [] : ['--box-version', way.boxVersion];
        await run(['box', 'add', '--provider', way.provider, ...version, name]);
      }
    } finally {
      done();
    }
  });
  return { name, version: way.boxVersion, boot: null };
}

async function ownBoxOf(account: Account, suite: string, { signal, onPreparing }: FetchBox): Promise<Box> {
  let done = (): void => undefined;
  const step = (what: string): void => {
    done();
    done = onPreparing(`box frostline/${suite}: ${what}`);
  };
  try {
    const built = await build(suite, signal, step);
    const name = `frostline-${basename(built)}`;
    // a copy of its kernel that the account can read
    const boot = join(account.base, 'boot', basename(built));
    if (!(await isThere(boot)))
      await makeFolder(boot, async (draft) => {
        for (const file of ['vmlinuz', 'initrd']) await copyFile(join(built, file), join(draft, file));
      });
    // looks for the file, since asking vagrant takes seconds
    if (!(await isThere(join(boxesOf(account), name, '0/libvirt/metadata.json')))) {
      step('adding it to vagrant');
      await withBoxes(account, (runner) => addFile(account, runner, join(built, 'box.box'), name));
    }
    return { name, version: null, boot: { kernel: join(boot, 'vmlinuz'), initrd: join(boot, 'initrd') } };
  } finally {
    done();
  }
}

/** Builds the box of a suite, once, and resolves to its folder; what the script reports as `building` is a step. */
async function build(suite: string, signal: AbortSignal, step: (what: string) => void): Promise<string> {
  const onLine = (line: string): void => {
    const what = /^==> (building: .+)$/.exec(line)?.[1];
    if (what !== undefined) step(what);
  };
  const script = join(vagrantFiles, '../scripts/build-box');
  return (await command([script, suite], { signal, timeoutMs: minutes(30), onLine })).trim();
}

const isThere = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;

type RunBox = (words: readonly string[]) => Promise<OutputLine[]>;

/** Runs `vagrant box`, in the folder `dir`. */
interface BoxRunner {
  readonly run: RunBox;
  readonly dir: string;
}

/** Calls `work` with a way to run `vagrant box` as the account. */
async function withBoxes(account: Account, work: (runner: BoxRunner) => Promise<void>): Promise<void> {
  const dir = await makeMachineFolder(account, 'none', 'boxes');
  try {
    const run: RunBox = async (words) => {
      const argv = ['vagrant', '--machine-readable', ...words];
      const { code, stdout, stderr } = await runInFolder(account, dir, argv, { timeoutMs: minutes(60) });
      const lines = parseOutput(stdout);
      if (code === 0) return lines;
      throw new FrostlineError(`vagrant ${words.join(' ')}: ${failure(lines) ?? stderr.trim()}`, {
        code: 'kernel',
      });
    };
    await work({ run, dir });
  } finally {
    await takeDown(account, dir, 'boxes');
  }
}

const has = async (run: RunBox, name: string, provider: string, version: string | null): Promise<boolean> =>
  parseBoxes(await run(['box', 'list'])).some(
    (box) => box.name === name && box.provider === provider && (version === null || box.version === version),
  );

/** Adds a box from a copy that the account can read; the copy is removed with the folder that vagrant runs in. */
async function addFile(account: Account, { run, dir }: BoxRunner, file: string, name: string): Promise<void> {
  const copy = join(dir, `${name}.box`);
  await copyFile(file, copy, constants.COPYFILE_EXCL);
  await give(account, copy);
  // --force: a box that another frostline has added meanwhile is the same
  await run(['box', 'add', '--force', '--name', name, copy]);
}
