import { stat } from 'node:fs/promises';
import { hashFile } from '../../base/files.ts';
import { FrostlineError } from '../../errors.ts';
import { answerOf, type Answer, type Found } from './answer.ts';
import { chooseBox, fetchMetadata, versionsFor } from './boxes.ts';
import { PlaceError } from './fault.ts';
import type { Patience } from './http.ts';
import { placeWords, type Place } from './places.ts';
import { sizeOf, verify } from './remote.ts';
import { askSuite, type Archives } from './suites.ts';
import { findListed } from './sums.ts';

/** Limits, servers and callbacks for asking places. */
export interface Asker extends Patience {
  /** Time limit for everything that one place is asked, in ms. */
  readonly placeMs: number;
  /** Download all of each file and compare its checksum. */
  readonly whole: boolean;
  /** Base URL of the box registry. */
  readonly boxServer: string;
  readonly archives: Archives;
  /** Called with the display name of the place when a download starts. */
  readonly onDownload?: (what: string) => void;
}

/** Asks a place whether it has what the matrix names. Rejects only with the signal's reason. */
export async function askPlace(place: Place, asker: Asker): Promise<Answer> {
  const { placeMs: ms } = asker;
  const over = AbortSignal.timeout(ms);
  const bounded: Asker = { ...asker, signal: AbortSignal.any([asker.signal, over]) };
  return answerOf((found) =>
    ask(place, bounded, found).catch((error: unknown) => {
      asker.signal.throwIfAborted();
      throw over.aborted ? new PlaceError({ code: 'slow', ms }, error) : error;
    }),
  );
}

async function ask(place: Place, asker: Asker, found: Found): Promise<void> {
  asker.signal.throwIfAborted();
  switch (place.kind) {
    case 'box':
      return askBox(place, asker, found);
    case 'url':
      return askUrl(place, asker, found);
    case 'file':
      return askFile(place, asker.signal, found);
    case 'folder':
      if (!(await stat(place.path).catch(() => null))?.isDirectory())
        throw new PlaceError({ code: 'missing-file', what: 'folder' });
      found.note = 'there';
      return;
    case 'own-box':
      found.note = 'built here';
      found.newest = await suiteOf(place.suite, asker);
      return;
    case 'suite':
      // its package lists are not asked for: they are some 10 MB, and a run fetches and verifies them
      if (place.text.includes('/')) found.note = 'its suite answers';
      found.newest = await suiteOf(place.suite, asker);
      return;
    case 'machine':
      found.note = 'not asked';
  }
}

async function askBox(
  { box, version, provider }: Extract<Place, { kind: 'box' }>,
  asker: Asker,
  found: Found,
): Promise<void> {
  const metadata = await fetchMetadata(asker.boxServer, box, asker);
  found.newest = versionsFor(metadata, provider)[0] ?? null;
  const { url, checksum, checksum_type: algorithm } = chooseBox(metadata, version, provider);
  const isOffered = Boolean(checksum) && Boolean(algorithm);
  if (isOffered) found.checksum = 'offered';
  found.bytes = await sizeOf(url, asker);
  if (!asker.whole || !checksum || !algorithm) return;
  asker.onDownload?.(box);
  await verify(url, { algorithm, hex: checksum.toLowerCase() }, asker);
  found.checksum = 'verified';
}

async function askUrl(place: Extract<Place, { kind: 'url' }>, asker: Asker, found: Found): Promise<void> {
  const { url, sha256 } = place;
  found.bytes = await sizeOf(url, asker);
  if (sha256 !== null) found.checksum = 'given';
  const listed = await findListed(url, asker);
  if (sha256 === null) {
    if (listed !== null) found.checksum = 'offered';
    return;
  }
  if (listed !== null && listed.sha256 !== sha256)
    throw new PlaceError({
      code: 'hash',
      is: listed.sha256,
      expected: sha256,
      by: `${listed.list} beside it has`,
    });
  if (listed !== null) found.checksum = 'listed';
  if (!asker.whole) return;
  asker.onDownload?.(placeWords(place));
  await verify(url, { algorithm: 'sha256', hex: sha256 }, asker);
  found.checksum = 'verified';
}

async function askFile(
  { path, sha256 }: Extract<Place, { kind: 'file' }>,
  signal: AbortSignal,
  found: Found,
): Promise<void> {
  const stats = await stat(path).catch(() => null);
  if (stats === null || !stats.isFile()) throw new PlaceError({ code: 'missing-file', what: 'file' });
  found.note = 'there';
  found.bytes = stats.size;
  if (sha256 === null) return;
  const is = await hashFile(path, { signal }).catch((cause: unknown) => {
    throw new PlaceError(
      { code: 'unreadable', reason: (cause as NodeJS.ErrnoException).code ?? 'unknown' },
      cause,
    );
  });
  if (is !== sha256) throw new PlaceError({ code: 'hash', is, expected: sha256, by: 'it has' });
  found.checksum = 'verified';
}

async function suiteOf(suite: string, asker: Asker): Promise<string | null> {
  return askSuite(suite, asker.archives, asker).catch((error: unknown) => {
    if (!(error instanceof FrostlineError)) throw error;
    throw new PlaceError({ code: 'host', reason: error.message, todo: error.todo ?? '' }, error);
  });
}
