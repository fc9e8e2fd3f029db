import { createHash } from 'node:crypto';
import { PlaceError } from './fault.ts';
import { request, type Answered, type Patience } from './http.ts';

/** The checksum that a file should have. */
export interface Expected {
  readonly algorithm: string;
  readonly hex: string;
}

/** Statuses with which servers without HEAD, and storage whose signed URLs are for GET alone, refuse a HEAD request. */
const noHead: ReadonlySet<number> = new Set([403, 405, 501]);

/** The size of a remote file in bytes, null if the server does not say. Throws PlaceError when it is not there. */
export async function sizeOf(url: string, patience: Patience): Promise<number | null> {
  const answered = await headOf(url, patience);
  answered.drop();
  if (/^text\/html\b/i.test(answered.headers.get('content-type') ?? ''))
    throw new PlaceError({ code: 'web-page' });
  const bytes = lengthOf(answered);
  if (bytes === 0) throw new PlaceError({ code: 'empty' });
  return bytes;
}

async function headOf(url: string, patience: Patience): Promise<Answered> {
  try {
    return await request(url, patience, { method: 'HEAD' });
  } catch (error) {
    const refused =
      error instanceof PlaceError && error.fault.code === 'status' && noHead.has(error.fault.status);
    if (!refused) throw error;
    return request(url, patience, { headers: { range: 'bytes=0-0' } });
  }
}

/** The length of the whole file; for a range it comes after the slash (RFC 9110, 14.4). */
function lengthOf({ status, headers }: Answered): number | null {
  const text =
    status === 206
      ? /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]
      : (headers.get('content-length') ?? undefined);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** The algorithms that Vagrant supports (its lib/vagrant/util/file_checksum.rb). */
const algorithms: ReadonlySet<string> = new Set(['md5', 'sha1', 'sha256', 'sha384', 'sha512']);

/** Downloads a file without storing it, and compares its checksum. Throws PlaceError if incomplete or different. */
export async function verify(url: string, expected: Expected, patience: Patience): Promise<void> {
  if (!algorithms.has(expected.algorithm))
    throw new PlaceError({ code: 'checksum', algorithm: expected.algorithm });
  const hash = createHash(expected.algorithm);
  const answered = await request(url, patience);
  const said = lengthOf(answered);
  let got = 0;
  try {
    for await (const chunk of answered.bytes()) {
      got += chunk.length;
      hash.update(chunk);
    }
  } catch (error) {
    // undici reports a body that is shorter than its Content-Length as a broken connection
    const short = error instanceof PlaceError && error.fault.code === 'unreachable' && said !== null;
    throw short ? new PlaceError({ code: 'length', got, said }, error) : error;
  }
  if (said !== null && got !== said) throw new PlaceError({ code: 'length', got, said });
  const is = hash.digest('hex');
  if (is !== expected.hex) throw new PlaceError({ code: 'hash', is, expected: expected.hex, by: 'it has' });
}
