import { Client, type ClientChannel, type ConnectConfig } from 'ssh2';
import { within } from '../base/deadline.ts';
import { boundedLines } from '../base/lines.ts';
import { FrostlineError } from '../errors.ts';
import type { Channel, ChannelEnd } from './machine.ts';

/** Where to connect, as whom, and the host key that must answer (its public blob, RFC 4253 section 6.6). */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly hostKey: Buffer;
}

/** A longer line from the guest is cut and the rest of it dropped. */
const maxLine = 64 * 1024;
const maxStderr = 64 * 1024;

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
    const config: ConnectConfig = {
      host: endpoint.host,
      port: endpoint.port,
      username: endpoint.user,
      privateKey: endpoint.privateKey,
      hostVerifier: (key: Buffer) => key.equals(endpoint.hostKey),
      readyTimeout: ms,
      keepaliveInterval: 1000,
      keepaliveCountMax: 20,
      algorithms: {
        // the cheapest of each: the other end may be emulated
        kex: { prepend: ['curve25519-sha256', 'curve25519-sha256@libssh.org'], append: [], remove: [] },
        cipher: { prepend: ['chacha20-poly1305@openssh.com', 'aes128-ctr'], append: [], remove: [] },
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
      await within({ ms, what: `SSH to ${endpoint.host}:${endpoint.port}`, signal }, ready);
      return new Remote(client);
    } catch (cause) {
      client.on('error', () => undefined);
      client.destroy();
      signal?.throwIfAborted();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new FrostlineError(`SSH to ${endpoint.host}:${endpoint.port}: ${why}`, {
        code: 'machine',
        cause,
      });
    }
  }

  /** Starts a program; its command line is passed as it is, so callers give constants, never matrix text. */
  async open(command: string, ms = 15_000): Promise<Channel> {
    const opened = new Promise<Channel>((resolve, reject) => {
      if (this.#lost !== undefined) return reject(lostError(this.#lost));
      this.#onLost.add((reason) => reject(lostError(reason)));
      // listened to at once: the exit of a short command can come in the same packet as the answer to its start
      this.#client.exec(command, (error, channel) => (error ? reject(error) : resolve(this.#wrap(channel))));
      return undefined;
    });
    return within({ ms, what: `Starting ${command}` }, opened);
  }

  /** Runs one command to its end within `ms` and gives what it printed. Rejects when the connection is lost. */
  async run(command: string, ms: number): Promise<{ code: number | null; stdout: string; stderr: string }> {
    // its input stays open: with both directions ended ssh2 closes the channel, exit code or not
    await using channel = await this.open(command, ms);
    const read = async (): Promise<string> => {
      const lines: string[] = [];
      for await (const line of channel.lines) lines.push(line);
      return lines.join('\n');
    };
    const [stdout, end] = await within({ ms, what: command }, Promise.all([read(), channel.ended]));
    if (end.kind === 'lost') throw lostError(end.reason);
    return { code: end.code, stdout, stderr: end.stderr };
  }

  #wrap(channel: ClientChannel): Channel {
    let stderr = '';
    let exit: { code: number | null; signal: string | null } | undefined;
    channel.stderr.on('data', (data: Buffer) => {
      if (stderr.length < maxStderr) stderr += data.toString('utf8');
    });
    channel.on('exit', (code: number | null, signal?: string) => {
      exit = { code, signal: signal ?? null };
    });
    const ended = new Promise<ChannelEnd>((resolve) => {
      const lost = (reason: string): void => resolve({ kind: 'lost', reason });
      this.#onLost.add(lost);
      // `exit` can come before the last data, so only `close` ends it; a lost connection closes without exit
      channel.on('close', () => {
        this.#onLost.delete(lost);
        resolve(
          exit ? { kind: 'exit', ...exit, stderr } : { kind: 'lost', reason: this.#lost ?? 'channel closed' },
        );
      });
    });
    channel.on('error', () => undefined);
    return {
      // the end of its output must not close the channel: the exit code may still be on its way
      lines: boundedLines(channel.iterator({ destroyOnReturn: false }), maxLine),
      ended,
      write: (text) => void channel.write(text),
      end: () => void channel.end(),
      [Symbol.asyncDispose]: async () => {
        channel.close();
        channel.destroy();
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#client.end();
    this.#client.destroy();
  }
}

const lostError = (reason: string): FrostlineError =>
  new FrostlineError(`The SSH connection was lost: ${reason}`, { code: 'machine' });
