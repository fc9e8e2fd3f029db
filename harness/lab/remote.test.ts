import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { until } from '../base/deadline.ts';
import { cutMark } from '../base/lines.ts';
import { Remote, type Endpoint } from './remote.ts';
import { makeKeys } from './rootfs/keys.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const keys = makeKeys();
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const hostPem = privateKey.export({ type: 'pkcs1', format: 'pem' });

/** What the server does for a command. */
type Program = (channel: ServerChannel, connection: Connection) => void;

/** Parts of ssh2 that its types lack. */
interface Internals {
  readonly outgoing: { readonly id: number };
  readonly eof: () => void;
}
interface Protocol {
  readonly exitStatus: (id: number, code: number) => void;
}

let server: ssh2.Server;
let endpoint: Endpoint;
const programs = new Map<string, Program>();
/** Terminals that clients requested, and their later sizes, as `xterm 24x80`. */
let terminals: string[] = [];

beforeEach(async () => {
  const host = ssh2.utils.parseKey(hostPem);
  if (host instanceof Error) throw host;
  server = new ssh2.Server({ hostKeys: [hostPem] }, (connection) => {
    connection.on('authentication', (context) => context.accept());
    connection.on('error', () => undefined);
    connection.on('session', (accept) => {
      const session = accept();
      session.on('pty', (acceptPty, _, { term, rows, cols }) => {
        terminals.push(`${term} ${rows}x${cols}`);
        acceptPty();
      });
      session.on('window-change', (_, __, { rows, cols }) => void terminals.push(`${rows}x${cols}`));
      session.on('shell', (acceptShell) => programs.get('shell')?.(acceptShell(), connection));
      session.on('exec', (acceptExec, _, { command }) => {
        // the reply and the program's first output go out in one packet
        const socket = Reflect.get(connection, '_sock') as Socket;
        socket.cork();
        programs.get(command)?.(acceptExec(), connection);
        setImmediate(() => socket.uncork());
      });
    });
  });
  terminals = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const hostKey = host.getPublicSSH();
  endpoint = { host: '127.0.0.1', port, user: 'root', privateKey: keys.clientPrivate, hostKey };
});
afterEach(() => void server.close());

const collect = async (lines: AsyncIterable<string>): Promise<string[]> => {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
};

describe('a remote command', () => {
  it('gives its output, its words on stderr and its exit code, however late that comes', async () => {
    programs.set('work', (channel, connection) => {
      channel.stderr.write('careful');
      channel.write('one\ntwo\n');
      // OpenSSH and dropbear may end the output first and send the exit code later; ssh2's own server cannot
      const { outgoing, eof } = channel as unknown as Internals;
      eof.call(channel);
      setTimeout(() => {
        (Reflect.get(connection, '_protocol') as Protocol).exitStatus(outgoing.id, 3);
        channel.close();
      }, 50);
    });
    programs.set('short', (channel) => {
      channel.exit(0);
      channel.end();
    });
    using remote = await Remote.connect(endpoint, 5000);
    expect(await remote.run('short', 5000)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await remote.run('work', 5000)).toEqual({ code: 3, stdout: 'one\ntwo', stderr: 'careful' });
  });

  it('streams lines both ways', async () => {
    programs.set('echo', (channel) => {
      channel.on('data', (data: Buffer) => channel.write(`got ${data.toString()}`));
      channel.on('end', () => {
        channel.exit(0);
        channel.end();
      });
    });
    using remote = await Remote.connect(endpoint, 5000);
    await using channel = await remote.open('echo');
    channel.write('a\n');
    const lines = channel.lines[Symbol.asyncIterator]();
    expect(await lines.next()).toEqual({ done: false, value: 'got a' });
    channel.end();
    expect(await lines.next()).toEqual({ done: true, value: undefined });
  });

  it('that is done with ends by itself, whatever it says that nobody reads', async () => {
    programs.set('talk', (channel) => {
      channel.resume().on('end', () => {
        channel.write('so long\n'.repeat(1000));
        channel.exit(7);
        channel.end();
      });
      channel.write('hello\n');
    });
    using remote = await Remote.connect(endpoint, 5000);
    const channel = await remote.open('talk');
    const lines = channel.lines[Symbol.asyncIterator]();
    expect(await lines.next()).toEqual({ done: false, value: 'hello' });
    await channel[Symbol.asyncDispose]();
    expect(await channel.ended).toMatchObject({ kind: 'exit', code: 7 });
  });

  it('that was lost is told from one that ended', async () => {
    programs.set('vanish', (channel, connection) => {
      channel.write('half a li');
      setTimeout(() => connection.end(), 50);
    });
    using remote = await Remote.connect(endpoint, 5000);
    await using channel = await remote.open('vanish');
    expect(await collect(channel.lines)).toEqual(['half a li']);
    expect(await channel.ended).toMatchObject({ kind: 'lost' });
    await expect(remote.open('more', 1000)).rejects.toThrow('connection was lost');
  });

  it('cannot fill the memory with one line', async () => {
    programs.set('flood', (channel) => {
      for (let i = 0; i < 64; i++) channel.write('x'.repeat(16 * 1024));
      channel.write('\nnext\n');
      channel.exit(0);
      channel.end();
    });
    using remote = await Remote.connect(endpoint, 5000);
    await using channel = await remote.open('flood');
    const [flood, next] = await collect(channel.lines);
    expect(flood?.length).toBe(64 * 1024 + cutMark.length);
    expect(next).toBe('next');
  });

  it('cannot fill it with many lines either', async () => {
    programs.set('chatter', (channel) => {
      const line = `${'x'.repeat(32 * 1024)}\n`;
      const more = (error?: Error | null): void =>
        void (error || channel.destroyed ? undefined : channel.write(line, more));
      more();
    });
    using remote = await Remote.connect(endpoint, 5000);
    await expect(remote.run('chatter', 20_000)).rejects.toThrow('chatter printed more than 16777216');
  });

  it('does not wait for ever', async () => {
    programs.set('hang', () => undefined);
    using remote = await Remote.connect(endpoint, 5000);
    await expect(remote.run('hang', 200)).rejects.toThrow('hang: not within 0.2 s');
  });
});

describe('a shell', () => {
  const read = async (stream: Readable): Promise<string> => {
    let text = '';
    for await (const part of stream) text += String(part);
    return text;
  };

  it('on a terminal is told its kind and its size, whenever that changes', async () => {
    programs.set('shell', (channel) => {
      channel.once('data', () => {
        channel.exit(3);
        channel.end();
      });
    });
    using remote = await Remote.connect(endpoint, 5000);
    const shell = await remote.shell({ term: 'xterm', rows: 30, columns: 100 });
    shell.resize(40, 120);
    shell.stream.write('exit 3\n');
    expect(await Promise.all([shell.ended, read(shell.stream)])).toMatchObject([
      { kind: 'exit', code: 3 },
      '',
    ]);
    expect(terminals).toEqual(['xterm 30x100', '40x120']);
  });

  it('without a terminal ends with its input, and says on stderr what went wrong', async () => {
    programs.set('shell', (channel, connection) => {
      let heard = 0;
      channel.on('data', (data: Buffer) => (heard += data.length));
      channel.on('end', () => {
        channel.stderr.write('careful');
        channel.write(`${heard}`);
        (channel as unknown as Internals).eof.call(channel);
        const { outgoing } = channel as unknown as Internals;
        (Reflect.get(connection, '_protocol') as Protocol).exitStatus(outgoing.id, 7);
        channel.close();
      });
    });
    using remote = await Remote.connect(endpoint, 5000);
    const shell = await remote.shell(null);
    // more than one SSH window
    shell.stream.write('x'.repeat(3 * 2 ** 20));
    shell.end();
    expect(await Promise.all([shell.ended, read(shell.stream), read(shell.stderr)])).toMatchObject([
      ...[{ kind: 'exit', code: 7 }, `${3 * 2 ** 20}`, 'careful'],
    ]);
    expect(terminals).toEqual([]);
  });
});

describe('a connection', () => {
  it('keeps nothing of the commands that ran over it', async () => {
    programs.set('short', (channel) => {
      channel.write('done\n');
      channel.exit(0);
      channel.end();
    });
    using remote = await Remote.connect(endpoint, 5000);
    const run = async (): Promise<WeakRef<object>> => {
      await using channel = await remote.open('short');
      expect(await collect(channel.lines)).toEqual(['done']);
      return new WeakRef(channel);
    };
    const ran = [await run(), await run(), await run()];
    // ssh2 itself still references the last one
    await remote.run('short', 5000);
    const kept = async (): Promise<true | undefined> => {
      await nextTurn();
      gc();
      return ran.every((one) => one.deref() === undefined) ? true : undefined;
    };
    await until({ ms: 10_000, what: 'what ran to be let go of' }, 10, kept);
  });

  it('is refused to a host with another key', async () => {
    const wrong = { ...endpoint, hostKey: keys.hostPublic };
    await expect(Remote.connect(wrong, 5000)).rejects.toThrow(/Host denied|handshake/i);
  });

  it('to nobody fails at once, and says where', async () => {
    server.close();
    await once(server, 'close');
    await expect(Remote.connect(endpoint, 5000)).rejects.toThrow(
      `SSH to 127.0.0.1:${endpoint.port}: connect ECONNREFUSED`,
    );
  });
});
