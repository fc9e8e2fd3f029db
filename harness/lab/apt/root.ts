import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, command, type CommandOptions } from '../../base/command.ts';
import { makeFolder, sha256 } from '../../base/files.ts';
import { cacheDir } from '../../base/paths.ts';
import { FrostlineError, sentence } from '../../errors.ts';
import type { Mirror } from './mirror.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Package lists older than this are refreshed. */
const freshForMs = 12 * 3600_000;

/**
 * A private apt root for one Debian suite (with its security and, for backports, base suite): its own
 * sources, lists and status, so that packages of any suite are resolved and verified against Debian's
 * keyring without touching the host's apt. Its dpkg status is empty: dependencies resolve to a whole
 * closure.
 */
export interface AptRoot {
  readonly suite: string;
  readonly dir: string;
  /** Runs `apt-get`/`apt-cache` in this root. */
  readonly run: (argv: readonly string[], options?: CommandOptions) => Promise<string>;
  /** Fetches the package lists again, whatever their age. */
  readonly refresh: () => Promise<void>;
}

export interface OpenOptions {
  readonly suite: string;
  readonly mirror: Mirror;
  readonly signal?: AbortSignal;
  readonly onWarning?: (text: string) => void;
}

/** An archive `URI dists/NAME` of a mirror. */
export interface Archive {
  readonly uri: string;
  readonly name: string;
}

/** All archives of a suite: its own, its security archive, and the base suite it builds on. */
export function archivesOf(suite: string, mirror: Mirror): Archive[] {
  const base = suite.replace(/-backports$/, '');
  const main = (name: string): Archive => ({ uri: mirror.main, name });
  const archives = [main(base)];
  if (/^(bullseye|bookworm|trixie)$/.test(base))
    archives.push({ uri: mirror.security, name: `${base}-security` });
  if (base === 'experimental') archives.push(main('sid'));
  if (suite !== base) archives.push(main(suite));
  return archives;
}

/** The lines of sources.list for a suite. */
export const sourcesFor = (suite: string, mirror: Mirror): string[] =>
  archivesOf(suite, mirror).map(({ uri, name }) => `deb [signed-by=${keyring}] ${uri} ${name} main`);

/**
 * Opens the private root of a suite in the cache, creating it if needed, and refreshes its lists if they are missing or
 * old. If the refresh fails, existing lists are used with a warning. Rejects ('kernel') when there are none.
 */
export async function openAptRoot(options: OpenOptions): Promise<AptRoot> {
  const { suite, mirror, signal, onWarning } = options;
  const sources = sourcesFor(suite, mirror);
  const dir = cacheDir('apt', `${suite}-${sha256(...sources).slice(0, 12)}`);
  await makeRoot(dir, sources);
  const config = join(dir, 'apt.conf');
  const run = (argv: readonly string[], more: CommandOptions = {}): Promise<string> =>
    command(argv, { ...more, env: { APT_CONFIG: config }, ...(signal ? { signal } : {}) });
  const refresh = async (): Promise<void> => {
    // flock: apt fails at once while another apt holds the lists; a second controller should wait instead
    await run(['flock', join(dir, 'lock'), 'apt-get', 'update', '-q', '--error-on=any']);
    await writeFile(join(dir, 'updated'), '');
  };
  const age = await stat(join(dir, 'updated')).then(
    (s) => Date.now() - s.mtimeMs,
    () => Infinity,
  );
  if (age > freshForMs) {
    try {
      await refresh();
    } catch (error) {
      signal?.throwIfAborted();
      if (age === Infinity) throw listsError(suite, error);
      onWarning?.(`Debian's lists for ${suite} could not be renewed; those of ${days(age)} ago are used.`);
    }
  }
  return { suite, dir, run, refresh };
}

const days = (ms: number): string => `${(ms / 86_400_000).toFixed(1)} days`;

function listsError(suite: string, cause: unknown): FrostlineError {
  return new FrostlineError(`Debian's package lists for ${suite} could not be had.\n  ${sentence(cause)}`, {
    code: 'kernel',
    todo: `Is the suite's name right, the mirror reachable, and debian-archive-keyring installed (${keyring})?`,
    cause,
  });
}

async function makeRoot(dir: string, sources: readonly string[]): Promise<void> {
  if (await stat(join(dir, 'apt.conf')).catch(() => null)) return;
  await makeFolder(dir, async (draft) => {
    await mkdir(join(draft, 'lists/partial'), { recursive: true });
    await mkdir(join(draft, 'cache/archives/partial'), { recursive: true });
    await writeFile(join(draft, 'status'), '');
    await writeFile(join(draft, 'sources.list'), `${sources.join('\n')}\n`);
    await writeFile(join(draft, 'apt.conf'), aptConfig(dir));
  });
}

const aptConfig = (dir: string): string => `Dir::State "${dir}";
Dir::State::Lists "${dir}/lists";
Dir::State::status "${dir}/status";
Dir::State::extended_states "${dir}/extended_states";
Dir::Cache "${dir}/cache";
Dir::Etc::SourceList "${dir}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
`;

/** Downloads packages `name=version` into `into`, verified by apt against the signed lists. */
export async function download(root: AptRoot, packages: readonly string[], into: string): Promise<void> {
  await root.run(['apt-get', 'download', '-q', ...packages], { cwd: into });
}

/**
 * The dependency closure of packages as `name=version`, in the suite's newest versions and assuming that nothing is
 * installed. apt takes seconds to compute it, so it is cached until the lists are refreshed.
 */
export async function closure(root: AptRoot, names: readonly string[]): Promise<string[]> {
  const { mtimeMs } = await stat(join(root.dir, 'updated'));
  const kept = join(root.dir, `closure-${sha256(...names, String(mtimeMs)).slice(0, 16)}`);
  const known = await readFile(kept, 'utf8').catch(() => null);
  if (known !== null && known.endsWith('\n')) return known.trim().split('\n');
  // apt does not take packages of these suites by default (NotAutomatic)
  const target = /-backports$|^experimental$/.test(root.suite) ? ['-t', root.suite] : [];
  const text = await root.run(['apt-get', 'install', '-s', '-y', '-q', ...target, ...names]);
  const list = [...text.matchAll(/^Inst (\S+) \((\S+) /gm)]
    .map(([, name, version]) => `${name}=${version}`)
    .sort();
  await writeFile(kept, `${list.join('\n')}\n`);
  return list;
}

/** Unpacks every .deb of a folder into `into`, and removes the .deb. */
export async function unpackAll(from: string, into: string): Promise<void> {
  await mkdir(into, { recursive: true });
  for (const deb of (await readdir(from)).filter((name) => name.endsWith('.deb')).sort()) {
    await command(['dpkg-deb', '-x', join(from, deb), into]);
    await rm(join(from, deb));
  }
}

/** Whether one Debian version is later than another (`dpkg --compare-versions`). */
export async function isLater(one: string, other: string): Promise<boolean> {
  return (await capture(['dpkg', '--compare-versions', one, 'gt', other])).code === 0;
}
