import { Client, type ClientChannel, type ConnectConfig, type PseudoTtyOptions } from 'ssh2';
import type { CommandResult } from '../base/command.ts';
import { within } from '../base/deadline.ts';
import { boundedLines } from '../base/lines.ts';
import { FrostlineError, sentence } from '../errors.ts';
import type { Channel, ChannelEnd, Shell, Terminal } from './machine.ts';

/** Where to connect, as whom, and the host key that must answer (its public blob, RFC 4253 section 6.6). */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Null: the agent at SSH_AUTH_SOCK has it. */
  readonly privateKey: string | null;
  /** Or several, of which one must answer. */
  readonly hostKey: Buffer | readonly Buffer[];
  /** Called with the key that the host presents, whether it is the right one or not. */
  readonly onHostKey?: (key: Buffer) => void;
  /** Not frostline's own guest: also offer the algorithms of servers as old as OpenSSH 5, after all better ones. */
  readonly isForeign?: boolean;
  /** It may be paused and thus silent, and its state is known by other means: no keepalives are sent. */
  readonly mayPause?: boolean;
}

/** Raw mode: no echo, and no added carriage returns. */
const rawTerminal = {
  term: 'dumb',
  modes: { ECHO: 0, ICANON: 0, ISIG: 0, OPOST: 0, ONLCR: 0, ICRNL: 0, IXON: 0 },
} as const;

const oldAlgorithms = {
  kex: ['diffie-hellman-group14-sha1', 'diffie-hellman-group-exchange-sha1', 'diffie-hellman-group1-sha1'],
  cipher: ['aes256-cbc', 'aes128-cbc', '3des-cbc'],
} as const;

/** A longer line from the guest is cut and the rest of it dropped. */
const maxLine = 64 * 1024;
const maxStderr = 64 * 1024;
/** Per command; expected output is less than a hundredth of this. */
const maxOutput = 16 * 2 ** 20;

/**
 * One SSH connection, open for the life of a machine; the only user of ssh2. A keepalive is sent every second, and
 * after 20 unanswered ones in a row the peer counts as dead. That is long because a busy emulated guest is slow, and
 * because the guest's own heartbeat is faster to reveal a failure during a trial.
 */
export class Remote implements Disposable {
  readonly #client: Client;
  #lost: string | undefined;
  readonly #onLost = new Set<(reason: string) => void>();

  private constructor(client: Client) {
    this.#client = client;
    const lose = (reason: string): void => {
      this.#lost ??= reason;
      for (const notify of this.#onLost) notify(this.#lost);
      this.#onLost.clear();
    };
    // one failure can emit `error` twice, and a later one without a listener would end the process
    client.on('error', (error) => lose(error.message));
    client.on('close', () => lose('connection closed'));
  }

  /** Connects once. Rejects ('machine') on a refused connection, a wrong host key or after `ms`. */
  static async connect(endpoint: Endpoint, ms: number, signal?: AbortSignal): Promise<Remote> {
    const client = new Client();
    const old = endpoint.isForeign ? oldAlgorithms : { kex: [], cipher: [] };
    const config: ConnectConfig = {
      host: endpoint.host,
      port: endpoint.port,
      username: endpoint.user,
      ...(endpoint.privateKey === null
        ? { agent: process.env['SSH_AUTH_SOCK'] ?? '' }
        : { privateKey: endpoint.privateKey }),
      hostVerifier: (key: Buffer) => {
        endpoint.onHostKey?.(key);
        return [endpoint.hostKey].flat().some((known) => key.equals(known));
      },
      // skips `none`, which would cost one more request
      authHandler: [endpoint.privateKey === null ? 'agent' : 'publickey'],
      readyTimeout: ms,
      keepaliveInterval: endpoint.mayPause === true ? 0 : 1000,
      keepaliveCountMax: 20,
      algorithms: {
        // prefers the cheapest of each: the other end may be emulated
        kex: {
          prepend: ['curve25519-sha256', 'curve25519-sha256@libssh.org'],
          append: [...old.kex],
          remove: [],
        },
        cipher: {
          prepend: ['chacha20-poly1305@openssh.com', 'aes128-ctr'],
          append: [...old.cipher],
          remove: [],
        },
        serverHostKey: { prepend: ['ssh-ed25519'], append: [], remove: [] },
      },
    };
    const ready = new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.once('error', reject);
      client.once('close', () => reject(new Error('connection closed before it was ready')));
    });
    try {
      client.connect(config);
      client.setNoDelay(true);
      await within({ ms, what: `SSH to ${endpoint.host}:${endpoint.port}`, signal }, ready);
      return new Remote(client);
    } catch (cause) {
      client.on('error', () => undefined);
      client.destroy();
      signal?.throwIfAborted();
      throw new FrostlineError(`SSH to ${endpoint.host}:${endpoint.port}: ${sentence(cause)}`, {
        code: 'machine',
        cause,
      });
    }
  }

  /** Starts a program. Its command line is not quoted, so callers pass constants, never matrix text. */
  async open(command: string, ms = 15_000, terminal = false): Promise<Channel> {
    const opened = this.#whileUp<Channel>((resolve, reject) => {
      const options = terminal ? { pty: rawTerminal } : {};
      // listens at once: the exit of a short command can come in the same packet as the reply to its start
      this.#client.exec(command, options, (error, channel) =>
        error ? reject(error) : resolve(this.#wrap(channel)),
      );
    });
    return within({ ms, what: `Starting ${command}` }, opened);
  }

  /** Settles as `ask` does, or rejects when the connection is lost; leaves no listener behind. */
  #whileUp<T>(ask: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    let lost: (reason: string) => void = () => undefined;
    const asked = new Promise<T>((resolve, reject) => {
      lost = (reason) => reject(lostError(reason));
      if (this.#lost !== undefined) return lost(this.#lost);
      this.#onLost.add(lost);
      return ask(resolve, reject);
    });
    return asked.finally(() => this.#onLost.delete(lost));
  }

  /**
   * Runs one command to its end within `ms` and resolves to what it printed; `input` is its whole standard input.
   * Rejects when the connection is lost or the command prints more than 16 Mi characters.
   */
  async run(
    command: string,
    ms: number,
    { input, terminal = false }: { readonly input?: Buffer; readonly terminal?: boolean } = {},
  ): Promise<CommandResult> {
    // without `input`, stdin stays open: once both directions have ended, ssh2 closes the channel, exit code or not
    await using channel = await this.open(command, ms, terminal);
    if (input !== undefined) channel.write(input);
    const read = async (): Promise<string> => {
      const lines: string[] = [];
      let length = 0;
      for await (const line of channel.lines) {
        length += line.length + 1;
        if (length > maxOutput) throw lostError(`${command} printed more than ${maxOutput} characters`);
        lines.push(line);
      }
      return lines.join('\n');
    };
    const [stdout, end] = await within({ ms, what: command }, Promise.all([read(), channel.ended]));
    if (end.kind === 'lost') throw lostError(end.reason);
    return { code: end.code, stdout, stderr: end.stderr };
  }

  /** Opens the user's shell, on a terminal of its own; null: without one. */
  async shell(terminal: Terminal | null): Promise<Shell> {
    const opened = this.#whileUp<Shell>((resolve, reject) => {
      this.#client.shell(terminal !== null && pty(terminal), (error, channel) => {
        if (error) return reject(error);
        channel.on('error', () => undefined);
        return resolve({
          stream: channel,
          stderr: channel.stderr,
          ended: this.#endOf(channel, () => ''),
          // EOF after all pending writes; with end(), ssh2 would close the channel, exit code or not
          end: () => void channel.write('', () => channel.eof()),
          resize: (rows, columns) => channel.setWindow(rows, columns, 0, 0),
        });
      });
    });
    return within({ ms: 15_000, what: 'Starting a shell' }, opened);
  }

  #wrap(channel: ClientChannel): Channel {
    let stderr = '';
    channel.stderr.on('data', (data: Buffer) => {
      if (stderr.length < maxStderr) stderr += data.toString('utf8');
    });
    const ended = this.#endOf(channel, () => stderr);
    channel.on('error', () => undefined);
    return {
      // the end of its output must not close the channel: the exit code may still be on its way
      lines: boundedLines(channel.iterator({ destroyOnReturn: false }), maxLine),
      ended,
      write: (text) => void channel.write(text),
      end: () => void channel.end(),
      [Symbol.asyncDispose]: async () => {
        // the channel ends with its program, unless there is output that nobody has read
        channel.end();
        channel.removeAllListeners('readable').resume();
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
        channel.close();
        channel.destroy();
      },
    };
  }

  /** Resolves to how a channel ended; `stderr` is called at that time. */
  #endOf(channel: ClientChannel, stderr: () => string): Promise<ChannelEnd> {
    let exit: { code: number | null; signal: string | null } | undefined;
    channel.on('exit', (code: number | null, signal?: string) => {
      exit = { code, signal: signal ?? null };
    });
    return new Promise<ChannelEnd>((resolve) => {
      const lost = (reason: string): void => resolve({ kind: 'lost', reason });
      this.#onLost.add(lost);
      // `exit` can come before the last data, so only `close` ends it; a lost connection closes without exit
      channel.on('close', () => {
        this.#onLost.delete(lost);
        resolve(
          exit
            ? { kind: 'exit', ...exit, stderr: stderr() }
            : { kind: 'lost', reason: this.#lost ?? 'channel closed' },
        );
      });
    });
  }

  [Symbol.dispose](): void {
    this.#client.end();
    this.#client.destroy();
  }
}

const pty = ({ term, rows, columns }: Terminal): PseudoTtyOptions => ({ term, rows, cols: columns });

const lostError = (reason: string): FrostlineError =>
  new FrostlineError(`The SSH connection was lost: ${reason}`, { code: 'machine' });
