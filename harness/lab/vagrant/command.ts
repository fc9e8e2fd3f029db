import { FrostlineError } from '../../errors.ts';
import type { VagrantProvider } from '../../matrix/matrix.ts';
import { runInFolder, type Account } from './account.ts';
import { failure, find, parseOutput, parseSshConfig, type OutputLine, type SshConfig } from './output.ts';

export const snapshotName = 'frostline';

/** vagrant's commands for the one machine of a folder. Each rejects ('machine') with vagrant's own message. */
export class Vagrant {
  readonly #account: Account;
  readonly #dir: string;
  readonly #name: string;

  constructor(account: Account, dir: string, name: string) {
    this.#account = account;
    this.#dir = dir;
    this.#name = name;
  }

  up(provider: VagrantProvider, timeoutMs: number, signal: AbortSignal): Promise<unknown> {
    return this.#run(['up', '--provider', provider, '--no-destroy-on-error'], timeoutMs, signal);
  }

  /** Shuts the machine down and boots it again, as machine.json now describes it. */
  reload(timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    return this.#run(['reload', '--no-provision'], timeoutMs, signal);
  }

  /** Saves the machine's state, in place of one saved before. */
  save(signal?: AbortSignal): Promise<unknown> {
    return this.#run(['snapshot', 'save', '--force', snapshotName], 120_000, signal);
  }

  restore(signal?: AbortSignal): Promise<unknown> {
    return this.#run(['snapshot', 'restore', '--no-provision', snapshotName], 120_000, signal);
  }

  /** Removes the machine and its disk, whatever state it is in. */
  destroy(): Promise<unknown> {
    return this.#run(['destroy', '-f'], 60_000);
  }

  /** `running`, `shutoff`, `not_created`: the provider's name for the state. */
  async state(): Promise<string> {
    return find(await this.#run(['status'], 30_000), 'state') ?? 'unknown';
  }

  async sshConfig(signal?: AbortSignal): Promise<SshConfig> {
    const lines = await this.#run(['ssh-config'], 30_000, signal);
    const config = parseSshConfig(find(lines, 'ssh-config') ?? '');
    if (config) return config;
    throw new FrostlineError(`${this.#name}: vagrant ssh-config does not say where SSH answers.`, {
      code: 'machine',
    });
  }

  async #run(words: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<OutputLine[]> {
    const { code, stdout, stderr } = await runInFolder(
      this.#account,
      this.#dir,
      ['vagrant', '--machine-readable', ...words],
      { timeoutMs, ...(signal === undefined ? {} : { signal }) },
    );
    const lines = parseOutput(stdout);
    if (code === 0) return lines;
    const why = failure(lines) ?? (stderr.trim().split('\n').slice(-4).join('\n  ') || `exit ${code}`);
    throw new FrostlineError(`${this.#name}: vagrant ${words.join(' ')}: ${why}`, { code: 'machine' });
  }
}
