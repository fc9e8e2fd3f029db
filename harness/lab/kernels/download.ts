import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toTarget, withoutSecrets } from '../../base/url.ts';
import { FrostlineError } from '../../errors.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** 1 GiB by default, eight times the size of a kernel with all its modules. */
  readonly maxBytes?: number;
}

/**
 * Downloads a file over HTTP, with the user name and password that its URL may contain, and resolves to the SHA-256 of
 * its bytes. Rejects ('kernel') when the file is missing, incomplete or larger than `maxBytes`. fetch itself gives up
 * on a server that is silent for five minutes.
 */
export async function downloadFile(
  url: string,
  into: string,
  { signal, maxBytes = 2 ** 30 }: DownloadOptions = {},
): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const target = toTarget(url);
    const response = await fetch(target.url, { headers: target.headers, ...(signal ? { signal } : {}) });
    if (!response.ok || response.body === null) throw new Error(`the server answers ${response.status}`);
    const count = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw new Error(`it has more than ${maxBytes} bytes`);
        hash.update(chunk);
        yield chunk;
      }
    };
    await pipeline(Readable.fromWeb(response.body), count, createWriteStream(into));
  } catch (cause) {
    signal?.throwIfAborted();
    throw new FrostlineError(`${withoutSecrets(url)} could not be downloaded: ${reasonOf(cause)}.`, {
      code: 'kernel',
      todo: 'Is the address right, and its server reachable from here? A file can be named instead.',
      cause,
    });
  }
  return hash.digest('hex');
}

/** fetch's error says only that it failed; the reason is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error
    ? cause.message || String((cause as NodeJS.ErrnoException).code)
    : error.message;
}
