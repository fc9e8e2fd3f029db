import { setTimeout as sleep } from 'node:timers/promises';
import { toTarget } from '../../base/url.ts';
import { PlaceError, type Fault } from './fault.ts';

/** The timeout and the abort signal of a request. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Longest wait for a response, and for each further piece of its body, in ms. */
  readonly answerMs: number;
}

export interface Request {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
}

/** Only network failures are retried: HTTP statuses, wrong names and wrong certificates are not transient. */
const attempts = 3;
const pauseMs = 200;

/**
 * Sends a request, follows redirects, and resolves to a successful response. Its body is still unread (`bytes` reads
 * it), and times out after `answerMs` of silence. Throws PlaceError, or the signal's reason on abort.
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

/** A successful response. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** The body, piece by piece; throws PlaceError when it ends too early. */
  readonly bytes: () => AsyncGenerator<Uint8Array>;
  /** Discards the rest of the body. */
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
      // no compression: lengths must be those of the files
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

/** Error codes of OpenSSL and of Node's own certificate checks. */
const tlsCode =
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA)/;

/** fetch's error says only that it failed; the reason is in its cause. */
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

/** The whole body of a response as text. Throws PlaceError when it is longer than `most` bytes. */
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
