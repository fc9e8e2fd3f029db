import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandResult } from '../base/command.ts';
import { makeFolder, sha256File } from '../base/files.ts';
import { cacheDir } from '../base/paths.ts';
import { FrostlineError } from '../errors.ts';
import { frostbitePath } from '../guest/build.ts';
import { readFacts } from './console.ts';
import type { Channel, ConsoleFact } from './machine.ts';
import { makeExt4 } from './rootfs/base.ts';

/** How a host that runs a distro of its own is spoken to. Command lines are constants of this file. */
export interface HostShell {
  /** For messages, e.g. `root@10.0.0.5:22`. */
  readonly name: string;
  run(command: string, ms: number, options?: RunOptions): Promise<CommandResult>;
  open(command: string, terminal: boolean): Promise<Channel>;
}

export interface RunOptions {
  /** All of its standard input. */
  readonly input?: Buffer;
  /** With a terminal, where sudo wants one. */
  readonly terminal?: boolean;
}

/** Where everything of ours is on a host: a folder for each machine, open to root alone. */
const base = '/var/lib/frostline';

/**
 * What gives frostbite a view of its own, in a mount namespace that ends with it: the freezers of both versions as
 * frostline's own guests have them, whatever the distro mounted. No reboot is needed for that: `freezer` and
 * `devices` are controllers of v1 alone, so that a unified hierarchy cannot be using them, and v2's freezer is no
 * controller. Mounting a controller that v2 has, such as memory, would take it from the host's own groups: none is.
 */
const enter = `#!/bin/sh
# Made by frostline; removed when its machine is done. Usage: enter serve|clean
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/frostline/sbin:/frostline/bin
dir=\${0%/*}
if [ "$2" != inside ]; then
	if command -v flock > /dev/null; then
		exec 9> "$dir/../lock"
		if [ "$1" = clean ]; then flock 9; else flock -n 9; fi ||
			{ echo 'frostline: another frostline is at work on this host' >&2; exit 75; }
	fi
	unshare -m "$0" "$1" inside 9>&-
	exit
fi
mount --make-rslave / || exit 76
mount --bind /tmp /tmp
umount -l /sys/fs/cgroup 2> /dev/null
mount -t tmpfs -o mode=755 frostline /sys/fs/cgroup || exit 76
for controller in freezer devices; do
	mkdir "/sys/fs/cgroup/$controller"
	mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" 2> /dev/null || rmdir "/sys/fs/cgroup/$controller"
done
mkdir /sys/fs/cgroup/unified
mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified 2> /dev/null || rmdir /sys/fs/cgroup/unified
FROSTLINE_EXT4_IMAGE=$dir/ext4.img exec "$dir/frostbite" "$1"
`;

/**
 * What root does with the files that were brought: clears what dead machines left, makes the folder, and loads
 * what workloads need and the kernel has. Under SELinux frostbite gets the type of the programs in /usr/bin.
 */
const install = (id: string, from: string, hash: string): string => `set -e
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
umask 077
mkdir -p ${base}
for old in ${base}/host-*; do
	[ -x "$old/enter" ] || continue
	"$old/enter" clean > /dev/null
	rm -rf "$old"
done
mkdir ${base}/${id}
cp ${from}/frostbite ${from}/ext4.img ${from}/enter ${base}/${id}/
[ "$(sha256sum < ${base}/${id}/frostbite | cut -d " " -f 1)" = ${hash} ] || exit 77
chmod 0755 ${base}/${id}/frostbite ${base}/${id}/enter
if [ -e /sys/fs/selinux/enforce ]; then chcon -t bin_t ${base}/${id}/frostbite ${base}/${id}/enter || true; fi
for module in fuse loop ext4 dm_mod vhost_net; do modprobe -q $module 2> /dev/null || true; done
modprobe -q nbd nbds_max=1 max_part=0 2> /dev/null || true
echo frostline-${id} > /dev/kmsg 2> /dev/null || true
`;

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
/** For whatever shell the user logs in with. */
const sh = (script: string): string => `sh -c ${quote(script)}`;

/** The file system that workloads freeze, made once. */
async function ext4Image(): Promise<string> {
  const made = cacheDir('roots', 'ext4-2');
  if (!(await stat(made).catch(() => null)))
    await makeFolder(made, (draft) => makeExt4(join(draft, 'ext4.img')));
  return join(made, 'ext4.img');
}

const failed = (shell: HostShell, what: string, todo?: string): FrostlineError =>
  new FrostlineError(`${shell.name}: ${what}`, { code: 'machine', ...(todo === undefined ? {} : { todo }) });

/** frostbite on a host of somebody's own. Disposing it removes what frostline brought or made, and nothing else. */
export class Host implements AsyncDisposable {
  readonly release: string;
  readonly boot: string;
  readonly #shell: HostShell;
  readonly #id: string;
  readonly #asRoot: AsRoot;

  private constructor(parts: {
    shell: HostShell;
    id: string;
    asRoot: AsRoot;
    release: string;
    boot: string;
  }) {
    this.#shell = parts.shell;
    this.#id = parts.id;
    this.#asRoot = parts.asRoot;
    this.release = parts.release;
    this.boot = parts.boot;
  }

  /** Brings frostbite to a host. Rejects ('machine') when it is no x86-64, or frostline may not be root there. */
  static async enter(shell: HostShell, options: { readonly sudo: boolean }): Promise<Host> {
    const probe =
      'id -u; uname -m; uname -r; cat /proc/sys/kernel/random/boot_id; mktemp -d /tmp/frostline-XXXXXX';
    const { stdout, stderr } = await shell.run(sh(probe), 15_000);
    const [uid = '', arch = '', release = '', boot = '', from = ''] = stdout.trim().split('\n');
    if (!/^\/tmp\/frostline-\w+$/.test(from))
      throw failed(shell, `its shell does not answer as expected: ${stderr || stdout}`);
    try {
      if (arch !== 'x86_64') throw failed(shell, `it is ${arch}; frostbite is built for x86_64.`);
      const asRoot = await becomeRoot(shell, uid, options.sudo);
      const id = `host-${randomBytes(8).toString('hex')}`;
      await bring(shell, { id, from, asRoot });
      return new Host({ shell, id, asRoot, release, boot });
    } finally {
      await shell.run(sh(`rm -rf ${from}`), 15_000).catch(() => undefined);
    }
  }

  serve(): Promise<Channel> {
    const { prefix, terminal } = this.#asRoot;
    // a terminal has one stream for both: words on stderr would be taken for the protocol
    const away = terminal ? ` 2>> ${base}/${this.#id}/stderr` : '';
    return this.#shell.open(`${prefix}${sh(`exec ${base}/${this.#id}/enter serve${away}`)}`, terminal);
  }

  /** Runs a command as root, in the host's own view. */
  exec(command: string, ms: number): Promise<CommandResult> {
    return runAsRoot(this.#shell, this.#asRoot, command, ms);
  }

  /** The boot it is in now, and what its kernel has said since frostbite was brought. */
  async condition(ms: number): Promise<{ boot: string; facts: readonly ConsoleFact[] }> {
    const script = `cat /proc/sys/kernel/random/boot_id; dmesg 2> /dev/null | sed "1,/frostline-${this.#id}/d" | tail -c 65536`;
    const { stdout } = await this.exec(script, ms);
    const [boot = '', ...log] = stdout.split('\n');
    return { boot: boot.trim(), facts: readFacts(log.join('\n')) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const dir = `${base}/${this.#id}`;
    await this.exec(
      `${dir}/enter clean > /dev/null; rm -rf ${dir}; rm -f ${base}/lock; rmdir ${base} 2> /dev/null; exit 0`,
      60_000,
    );
  }
}

interface AsRoot {
  readonly prefix: string;
  readonly terminal: boolean;
}

const runAsRoot = (
  shell: HostShell,
  { prefix, terminal }: AsRoot,
  script: string,
  ms: number,
): Promise<CommandResult> => shell.run(`${prefix}${sh(script)}`, ms, { terminal });

/** How commands become root's: sudo never asks, and gets a terminal where it insists on one (requiretty). */
async function becomeRoot(shell: HostShell, uid: string, sudo: boolean): Promise<AsRoot> {
  if (uid === '0') return { prefix: '', terminal: false };
  if (!sudo) throw failed(shell, 'its user is not root.', 'Log in as root, or say `sudo: true`.');
  let said = '';
  for (const terminal of [false, true]) {
    const { code, stdout, stderr } = await shell.run('sudo -n true', 15_000, { terminal });
    if (code === 0) return { prefix: 'sudo -n ', terminal };
    said = (stderr || stdout).trim();
  }
  throw failed(
    shell,
    `sudo without a password is refused: ${said}`,
    'Allow it with NOPASSWD in /etc/sudoers.d.',
  );
}

async function bring(shell: HostShell, of: { id: string; from: string; asRoot: AsRoot }): Promise<void> {
  const { id, from, asRoot } = of;
  const [frostbite, image] = [await frostbitePath(), await ext4Image()];
  const hash = await sha256File(frostbite);
  const files = [
    ['frostbite', await readFile(frostbite)],
    ['ext4.img', await readFile(image)],
    ['enter', Buffer.from(enter)],
  ] as const;
  for (const [name, input] of files) {
    // by its length: the end of the input need not come through
    const { code, stderr } = await shell.run(sh(`head -c ${input.length} > ${from}/${name}`), 120_000, {
      input,
    });
    if (code !== 0) throw failed(shell, `${name} could not be brought there: ${stderr.trim()}`);
  }
  const { code, stdout, stderr } = await runAsRoot(shell, asRoot, install(id, from, hash), 60_000);
  if (code === 77) throw failed(shell, 'frostbite came there with another hash.');
  if (code !== 0)
    throw failed(shell, `frostbite could not be installed in ${base}: ${(stderr || stdout).trim()}`);
}
