import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandResult } from '../base/command.ts';
import { within } from '../base/deadline.ts';
import { makeFolder, sha256File } from '../base/files.ts';
import { cacheDir } from '../base/paths.ts';
import { FrostlineError } from '../errors.ts';
import { frostbitePath } from '../guest/build.ts';
import { linesAfter, readFacts, type KernelFact } from './kernel.ts';
import type { Channel } from './machine.ts';
import { base, enter, exitCodes, install, readyWord, remove, sh } from './host-scripts.ts';
import { makeExt4 } from './rootfs/base.ts';

/** How to run commands on a host that has its own distro. Command lines are constants of this file. */
export interface HostShell {
  /** For messages, e.g. `root@10.0.0.5:22`. */
  readonly name: string;
  run(command: string, ms: number, options?: RunOptions): Promise<CommandResult>;
  open(command: string, terminal: boolean): Promise<Channel>;
}

export interface RunOptions {
  /** All of its standard input. */
  readonly input?: Buffer;
  /** Allocates a terminal, for a sudo that requires one. */
  readonly terminal?: boolean;
}

/** The image of the file system that workloads freeze, made once. */
async function ext4Image(): Promise<string> {
  const made = cacheDir('roots', 'ext4-2');
  if (!(await stat(made).catch(() => null)))
    await makeFolder(made, (draft) => makeExt4(join(draft, 'ext4.img')));
  return join(made, 'ext4.img');
}

const failed = (shell: HostShell, what: string, todo?: string): FrostlineError =>
  new FrostlineError(`${shell.name}: ${what}`, { code: 'machine', ...(todo === undefined ? {} : { todo }) });

export interface EnterOptions {
  readonly sudo: boolean;
  /** Whether the host outlives the run: everything installed is then removed whenever the connection ends. */
  readonly isGuest: boolean;
}

/** frostbite on a host with its own distro. Disposing it removes what frostline installed or made, and nothing else. */
export class Host implements AsyncDisposable {
  readonly release: string;
  readonly boot: string;
  readonly #shell: HostShell;
  readonly #id: string;
  readonly #asRoot: AsRoot;
  readonly #presence: Channel;

  private constructor(parts: {
    shell: HostShell;
    id: string;
    asRoot: AsRoot;
    presence: Channel;
    release: string;
    boot: string;
  }) {
    this.#shell = parts.shell;
    this.#id = parts.id;
    this.#asRoot = parts.asRoot;
    this.#presence = parts.presence;
    this.release = parts.release;
    this.boot = parts.boot;
  }

  /**
   * Installs frostbite on a host. Rejects ('machine') when the host is not x86-64, frostline may not be root there, or
   * another frostline is at work on it.
   */
  static async enter(shell: HostShell, { sudo, isGuest }: EnterOptions): Promise<Host> {
    const probe =
      'id -u; uname -m; uname -r; cat /proc/sys/kernel/random/boot_id; mktemp -d /tmp/frostline-XXXXXX';
    const { stdout, stderr } = await shell.run(sh(probe), 15_000);
    const [uid = '', arch = '', release = '', boot = '', from = ''] = stdout.trim().split('\n');
    if (!/^\/tmp\/frostline-\w+$/.test(from))
      throw failed(shell, `its shell does not answer as expected: ${stderr || stdout}`);
    try {
      if (arch !== 'x86_64') throw failed(shell, `it is ${arch}; frostbite is built for x86_64.`);
      const asRoot = await becomeRoot(shell, uid, sudo);
      const id = `host-${randomBytes(8).toString('hex')}`;
      const presence = await bring(shell, { id, from, asRoot, isGuest });
      return new Host({ shell, id, asRoot, presence, release, boot });
    } finally {
      await shell.run(sh(`rm -rf ${from}`), 15_000).catch(() => undefined);
    }
  }

  serve(): Promise<Channel> {
    const { prefix, terminal } = this.#asRoot;
    // a terminal merges stdout and stderr: text on stderr would be taken for the protocol
    const away = terminal ? ` 2>> ${base}/${this.#id}/stderr` : '';
    return this.#shell.open(`${prefix}${sh(`exec ${base}/${this.#id}/enter serve${away}`)}`, terminal);
  }

  /** Runs a command as root, in the host's own mount namespace. */
  exec(command: string, ms: number): Promise<CommandResult> {
    return runAsRoot(this.#shell, this.#asRoot, command, ms);
  }

  /**
   * The current boot id, and the problems that the kernel has reported since `kernelUs`, in microseconds on the
   * kernel's clock; null: since frostbite was installed.
   */
  async condition(
    ms: number,
    kernelUs: number | null,
  ): Promise<{ boot: string; facts: readonly KernelFact[] }> {
    const script = `cat /proc/sys/kernel/random/boot_id; dmesg 2> /dev/null | sed "1,/frostline-${this.#id}/d" | tail -c 65536`;
    const { stdout } = await this.exec(script, ms);
    const [boot = '', ...lines] = stdout.split('\n');
    const log = lines.join('\n');
    return { boot: boot.trim(), facts: readFacts(kernelUs === null ? log : linesAfter(log, kernelUs)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.exec(`${remove(this.#id)}; exit 0`, 60_000);
    } finally {
      await this.#presence[Symbol.asyncDispose]();
    }
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

/** How to run commands as root: sudo never asks for a password, and gets a terminal if it requires one (requiretty). */
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

interface Bringing {
  readonly id: string;
  readonly from: string;
  readonly asRoot: AsRoot;
  readonly isGuest: boolean;
}

/** Installs frostbite in a folder of its own; resolves to the channel that, while open, marks the machine as alive. */
async function bring(shell: HostShell, { id, from, asRoot, isGuest }: Bringing): Promise<Channel> {
  const [frostbite, image] = [await frostbitePath(), await ext4Image()];
  const hash = await sha256File(frostbite);
  const files = [
    ['frostbite', await readFile(frostbite)],
    ['ext4.img', await readFile(image)],
    ['enter', Buffer.from(enter)],
  ] as const;
  for (const [name, input] of files) {
    // read by length, since the end of the input may not be passed on
    const { code, stderr } = await shell.run(sh(`head -c ${input.length} > ${from}/${name}`), 120_000, {
      input,
    });
    if (code !== 0) throw failed(shell, `${name} could not be brought there: ${stderr.trim()}`);
  }
  const { prefix, terminal } = asRoot;
  const presence = await shell.open(`${prefix}${sh(install({ id, from, hash, isGuest }))}`, terminal);
  try {
    await untilReady(shell, presence);
    return presence;
  } catch (error) {
    await presence[Symbol.asyncDispose]();
    throw error;
  }
}

async function untilReady(shell: HostShell, { lines, ended }: Channel): Promise<void> {
  const said: string[] = [];
  const hear = async (): Promise<boolean> => {
    for await (const line of lines) {
      if (line === readyWord) return true;
      said.push(line);
    }
    return false;
  };
  const deadline = { ms: 60_000, what: `${shell.name}: frostbite in ${base}` };
  if (await within(deadline, hear())) return;
  const end = await within(deadline, ended);
  if (end.kind === 'exit' && end.code === exitCodes.busy)
    throw failed(shell, 'another frostline is at work on it.', 'Wait for its end, or name another host.');
  if (end.kind === 'exit' && end.code === exitCodes.damaged)
    throw failed(shell, 'frostbite arrived there with another checksum.');
  const why = end.kind === 'exit' ? end.stderr || said.join('\n') : end.reason;
  throw failed(shell, `frostbite could not be installed in ${base}: ${why.trim()}`);
}
