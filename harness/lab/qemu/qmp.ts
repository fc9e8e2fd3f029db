import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { within } from '../../base/deadline.ts';
import { FrostlineError } from '../../errors.ts';

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly QMP?: unknown;
}

/** A QEMU Machine Protocol connection (docs/interop/qmp-spec.rst). One command at a time, in order. */
export class Qmp implements Disposable {
  readonly #socket: Socket;
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  /** Called with the name and data of each event. */
  onEvent: (name: string, data: Readonly<Record<string, unknown>>) => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const fail = (): void => {
      for (const { reject } of this.#waiting.splice(0)) reject(closed());
    };
    socket.on('error', fail);
    socket.on('close', fail);
    const lines = createInterface({ input: socket });
    // readline emits errors of the socket, too, and an error event without a listener ends the process
    lines.on('error', fail);
    lines.on('line', (line) => {
      const reply = parseReply(line);
      if (reply === undefined) fail();
      else if (reply.event === undefined) this.#waiting.shift()?.resolve(reply);
      else this.onEvent(reply.event, reply.data ?? {});
    });
  }

  /** Connects and ends the greeting's negotiation mode. Rejects when there is no such socket (yet). */
  static async open(path: string): Promise<Qmp> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const qmp = new Qmp(socket);
    await qmp.#next();
    await qmp.execute('qmp_capabilities');
    return qmp;
  }

  #next(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Runs one command, by default within 5 s, and resolves to its return value. */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}, ms = 5000): Promise<unknown> {
    // the socket's close event is over: nothing would reject a new reply
    if (this.#socket.destroyed) throw closed();
    const reply = this.#next();
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    const { error, return: value } = await within({ ms, what: `QMP ${command}` }, reply);
    if (error) throw new FrostlineError(`QMP ${command}: ${error.desc}`, { code: 'machine' });
    return value;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

const closed = (): FrostlineError => new FrostlineError('QEMU closed its monitor.', { code: 'machine' });

/** Undefined for an incomplete line, the last one of a QEMU that was killed. */
function parseReply(line: string): Reply | undefined {
  try {
    return JSON.parse(line) as Reply;
  } catch {
    return undefined;
  }
}

/** The host port that QEMU chose for `hostfwd=tcp:127.0.0.1:0-:22`, from `info usernet`. */
export function parseForward(text: string): number | undefined {
  const port = /TCP\[HOST_FORWARD\]\s+\S+\s+127\.0\.0\.1\s+(\d+)/.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}
