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
  /** Null: the agent of SSH_AUTH_SOCK has it. */
  readonly privateKey: string | null;
  /** Or several, of which one must answer. */
  readonly hostKey: Buffer | readonly Buffer[];
  /** Told of the key that answers, the right one or not. */
  readonly onHostKey?: (key: Buffer) => void;
  /** Not frostline's own guest: what servers as old as OpenSSH 5 speak is offered, too, after all that is better. */
  readonly isForeign?: boolean;
  /** It is silent at times, and what becomes of it is seen otherwise: it is sent no keepalives. */
  readonly mayPause?: boolean;
}

/** Raw: no echo, and no carriage returns where there were none. */
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
/** Of one command: no answer that is asked for has a hundredth of it. */
const maxOutput = 16 * 2 ** 20;

/**
 * One SSH connection, held open for the life of a machine: the sole user of ssh2. Keepalives, one a
 * second, notice a dead peer when 20 in a row are unanswered: a busy emulated guest is slow, and in a
 * trial the guest's own heartbeat speaks sooner.
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
      // not `none` first, which is a question more
      authHandler: [endpoint.privateKey === null ? 'agent' : 'publickey'],
      readyTimeout: ms,
      keepaliveInterval: endpoint.mayPause === true ? 0 : 1000,
      keepaliveCountMax: 20,
      algorithms: {
        // the cheapest of each: the other end may be emulated
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

  /** Starts a program; its command line is passed as it is, so callers give constants, never matrix text. */
  async open(command: string, ms = 15_000, terminal = false): Promise<Channel> {
    const opened = this.#whileUp<Channel>((resolve, reject) => {
      const options = terminal ? { pty: rawTerminal } : {};
      // listened to at once: the exit of a short command can come in the same packet as the answer to its start
      this.#client.exec(command, options, (error, channel) =>
        error ? reject(error) : resolve(this.#wrap(channel)),
      );
    });
    return within({ ms, what: `Starting ${command}` }, opened);
  }

  /** Settles as `ask` does, or rejects when the connection is lost; then nothing of it is kept. */
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
   * Runs one command to its end within `ms` and gives what it printed; `input` is all of its standard input.
   * Rejects when the connection is lost or the command prints more than 16 Mi characters.
   */
  async run(
    command: string,
    ms: number,
    { input, terminal = false }: { readonly input?: Buffer; readonly terminal?: boolean } = {},
  ): Promise<CommandResult> {
    // without any its input stays open: with both directions ended ssh2 closes the channel, exit code or not
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

  /** The user's shell there, on a terminal of its own; null: on none. */
  async shell(terminal: Terminal | null): Promise<Shell> {
    const opened = this.#whileUp<Shell>((resolve, reject) => {
      this.#client.shell(terminal !== null && pty(terminal), (error, channel) => {
        if (error) return reject(error);
        channel.on('error', () => undefined);
        return resolve({
          stream: channel,
          stderr: channel.stderr,
          ended: this.#endOf(channel, () => ''),
          // after all that was written before; with its end() ssh2 would close the channel, exit code or not
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
        // it ends by itself, when its program does, unless output is left that nobody reads
        channel.end();
        channel.removeAllListeners('readable').resume();
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
        channel.close();
        channel.destroy();
      },
    };
  }

  /** How a channel ends; `stderr` is asked for then. */
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
