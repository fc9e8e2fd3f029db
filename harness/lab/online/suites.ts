import { archivesOf } from '../apt/root.ts';
import type { Mirror } from '../apt/mirror.ts';
import { PlaceError } from './fault.ts';
import { request, textOf, type Patience } from './http.ts';

/** Release files are some 200 KiB. */
const maxBytes = 16 * 2 ** 20;

/** What this host knows about Debian's archives. */
export interface Archives {
  /** Rejects with a FrostlineError when there is none. */
  readonly mirror: () => Promise<Mirror>;
  readonly refusesExpired: () => Promise<boolean>;
}

/**
 * Asks a mirror for the Release files of all archives of a suite, and resolves to the suite's version, or to its date
 * if it has none. Throws PlaceError when a file is missing or apt would refuse it; rejects as `mirror` does.
 */
export async function askSuite(
  suite: string,
  archives: Archives,
  patience: Patience,
): Promise<string | null> {
  const mirror = await archives.mirror();
  let newest: string | null = null;
  for (const { uri, name } of archivesOf(suite, mirror)) {
    // apt supports other URI schemes, such as file:
    if (!/^https?:/.test(uri)) continue;
    try {
      const fields = parseRelease(
        await textOf(await request(`${uri}dists/${name}/Release`, patience), maxBytes),
      );
      checkRelease(fields);
      const until = fields.get('Valid-Until');
      if (until !== undefined && Date.parse(until) < Date.now() && (await archives.refusesExpired()))
        throw new PlaceError({ code: 'expired', at: until });
      if (name === suite) newest = fields.get('Version') ?? fields.get('Date') ?? null;
    } catch (error) {
      if (!(error instanceof PlaceError)) throw error;
      throw new PlaceError({ code: 'archive', name, of: error.fault }, error);
    }
  }
  return newest;
}

/** The single-line fields of a Release file (deb822). */
const parseRelease = (text: string): ReadonlyMap<string, string> =>
  new Map(
    [...text.matchAll(/^([A-Za-z-]+): (.*)$/gm)].map(([, key = '', value = '']) => [key, value.trim()]),
  );

function checkRelease(fields: ReadonlyMap<string, string>): void {
  const has = (field: string, word: string): boolean =>
    // the security archive says `updates/main`
    (fields.get(field) ?? '').split(' ').some((one) => one === word || one.endsWith(`/${word}`));
  if (!has('Components', 'main')) throw new PlaceError({ code: 'not-for', what: 'component main' });
  if (!has('Architectures', 'amd64')) throw new PlaceError({ code: 'not-for', what: 'packages for amd64' });
}
