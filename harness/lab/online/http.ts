import { setTimeout as sleep } from 'node:timers/promises';
import { toTarget } from '../../base/url.ts';
import { PlaceError, type Fault } from './fault.ts';

/** How long is waited, and who ends it. */
export interface Patience {
  readonly signal: AbortSignal;
  /** For an answer, and for each further piece of one. */
  readonly answerMs: number;
}

export interface Request {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the network fails with may pass; what a server says, and names and certificates that are wrong, stay. */
const attempts = 3;
const pauseMs = 200;

/**
 * Asks a server, follows it to where it sends us, and gives the answer of success with its body unread, which ends after
 * `answerMs` of silence (`bytes` reads it). Throws PlaceError, and the signal's reason when that aborts.
 */
export async function request(url: string, patience: Patience, how: Request = {}): Promise<Answered> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(url, patience, how);
    } catch (error) {
      patience.signal.throwIfAborted();
      if (!(error instanceof PlaceError) || !mayPass(error.fault) || attempt === attempts) throw error;
      await sleep(pauseMs * attempt, undefined, { signal: patience.signal });
    }
  }
}

const mayPass = ({ code }: Fault): boolean => code === 'unreachable';

/** An answer of success. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** Its body, piece by piece; throws PlaceError where it stops too early. */
  readonly bytes: () => AsyncGenerator<Uint8Array>;
  /** Leaves the rest of it unread. */
  readonly drop: () => void;
}

async function once(text: string, { signal, answerMs }: Patience, how: Request): Promise<Answered> {
  const { url, headers } = toTarget(text);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), answerMs);
  const drop = (): void => {
    clearTimeout(timer);
    late.abort();
  };
  const failed = (error: unknown): Error => {
    clearTimeout(timer);
    signal.throwIfAborted();
    return new PlaceError(
      late.signal.aborted ? { code: 'silent', ms: answerMs } : faultOf(error, url),
      error,
    );
  };
  try {
    const response = await fetch(url, {
      method: how.method ?? 'GET',
      // lengths are to be those of the files
      headers: { 'accept-encoding': 'identity', ...headers, ...how.headers },
      signal: AbortSignal.any([signal, late.signal]),
    });
    const { body, status } = response;
    if (!response.ok) {
      drop();
      throw new PlaceError({ code: 'status', status });
    }
    timer.refresh();
    if (body === null) clearTimeout(timer);
    const bytes = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
          timer.refresh();
          yield chunk;
        }
      } catch (error) {
        throw failed(error);
      } finally {
        clearTimeout(timer);
      }
    };
    return { status, headers: response.headers, bytes, drop };
  } catch (error) {
    throw error instanceof PlaceError ? error : failed(error);
  }
}

/** What OpenSSL and Node's own checks of certificates fail with. */
const tlsCode =
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA)/;

/** fetch says only that it failed; why is in the cause. */
function faultOf(error: unknown, url: string): Fault {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const { code = '', message = String(cause) } = cause as Partial<NodeJS.ErrnoException>;
  if (message.includes('redirect count exceeded')) return { code: 'redirects' };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const { hostname = new URL(url).hostname } = cause as { hostname?: string };
    return { code: 'no-host', host: hostname };
  }
  if (tlsCode.test(code)) return { code: 'tls', reason: code };
  return { code: 'unreachable', reason: code === '' ? message : code };
}

/** All of an answer's text. Throws PlaceError when it has more than `most` bytes. */
export async function textOf(answered: Answered, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answered.bytes()) {
    size += chunk.length;
    if (size > most) {
      answered.drop();
      throw new PlaceError({ code: 'too-large', most });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
