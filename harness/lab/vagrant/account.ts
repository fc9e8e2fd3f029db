import { lchown, mkdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, type CommandResult } from '../../base/command.ts';
import { cacheDir } from '../../base/paths.ts';
import { FrostlineError } from '../../errors.ts';
import { machineVariable } from '../processes.ts';

/** The user that vagrant runs as when frostline is root: libvirt's session mode is for ordinary users. */
export const accountName = 'frostline-vagrant';
const accountHome = `/var/lib/${accountName}`;

/** Who runs vagrant, and the folder of its machines and boxes. */
export interface Account {
  readonly base: string;
  /** Null: the user that runs frostline. */
  readonly as: { readonly uid: number; readonly gid: number } | null;
}

/** The folder of all machine folders, whether or not there is an account yet. */
export const vagrantBase = (): string => (process.getuid?.() === 0 ? accountHome : cacheDir('vagrant'));

/** A Unix socket's path has at most 107 bytes, and libvirt's monitor needs 45 of them below a machine's folder. */
const maxBase = 107 - 45 - '/vm-XXXXXX'.length;

/** The account that runs vagrant. Rejects ('host') if root has no such user to use, or if `base` is too long. */
export async function findAccount(): Promise<Account> {
  const base = vagrantBase();
  if (base.length > maxBase)
    throw new FrostlineError(`${base} is too long: libvirt's sockets do not fit beneath it.`, {
      code: 'host',
      todo: 'Point XDG_CACHE_HOME at a shorter path.',
    });
  if (process.getuid?.() !== 0) {
    await mkdir(base, { recursive: true, mode: 0o700 });
    return { base, as: null };
  }
  const [, , uid, gid, , home] =
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find(([name]) => name === accountName) ?? [];
  if (uid === undefined || gid === undefined || home !== accountHome)
    throw new FrostlineError(
      `frostline is root, and vagrant runs as an ordinary user: there is no ${accountName}.`,
      { code: 'host', todo: 'scripts/setup-vagrant makes it; or run frostline as an ordinary user.' },
    );
  return { base, as: { uid: Number(uid), gid: Number(gid) } };
}

/** Vagrant's home, which all machines share. */
const sharedHome = ({ base }: Account): string => join(base, 'vagrant.d');

/** The folder of the boxes that vagrant has: NAME/VERSION/PROVIDER. */
export const boxesOf = (account: Account): string => join(sharedHome(account), 'boxes');

/** Makes the account the owner of a file or folder; if a link has taken its place, of the link itself. */
export async function give({ as }: Account, path: string): Promise<void> {
  if (as !== null) await lchown(path, as.uid, as.gid);
}

export interface VagrantOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
}

/** Environment variables of the user that are passed on to vagrant: where boxes are, and how they are reached. */
const passedOn: ReadonlySet<string> = new Set(
  ['http_proxy', 'https_proxy', 'no_proxy']
    .flatMap((name) => [name, name.toUpperCase()])
    .concat('VAGRANT_SERVER_URL'),
);

/**
 * Runs a program as the account in a machine's folder. libvirt, QEMU and vagrant keep everything there, so a process
 * that has the folder in its environment belongs to that machine and ends with it. Only boxes are shared.
 */
export function runInFolder(
  account: Account,
  dir: string,
  argv: readonly string[],
  { signal, timeoutMs }: VagrantOptions,
): Promise<CommandResult> {
  const env = {
    PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`,
    LC_ALL: 'C.UTF-8',
    HOME: join(dir, 'home'),
    XDG_RUNTIME_DIR: join(dir, 'r'),
    XDG_CONFIG_HOME: join(dir, 'c'),
    XDG_DATA_HOME: join(dir, 'd'),
    XDG_CACHE_HOME: join(dir, 'k'),
    [machineVariable]: `${dir}/`,
    VAGRANT_HOME: sharedHome(account),
    VAGRANT_CHECKPOINT_DISABLE: '1',
    VAGRANT_BOX_UPDATE_CHECK_DISABLE: '1',
  };
  const { as } = account;
  const become =
    as === null
      ? []
      : ['setpriv', `--reuid=${as.uid}`, `--regid=${as.gid}`, '--init-groups', '--inh-caps=-all'];
  // in the environment, not as arguments, which everybody on this host can read: a proxy's URL may have a password
  const isForeign = (name: string): boolean => !(name in env) && !passedOn.has(name);
  const without = Object.keys(process.env)
    .filter(isForeign)
    .flatMap((name) => ['-u', name]);
  return capture([...become, 'env', ...without, ...argv], {
    cwd: dir,
    env,
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Makes the folders that `runInFolder` names. */
export async function makeHomes(account: Account, dir: string): Promise<void> {
  for (const name of ['home', 'r', 'c', 'd', 'k']) {
    await mkdir(join(dir, name), { mode: 0o700 });
    await give(account, join(dir, name));
  }
}
