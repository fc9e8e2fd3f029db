import { PlaceError } from './fault.ts';
import { request, textOf, type Patience } from './http.ts';

/** Checksum lists that publishers put beside files: CentOS, openSUSE; Ubuntu, Debian; AlmaLinux, Fedora. */
const listNames = (file: string): readonly string[] => [
  `${file}.sha256`,
  'sha256sum.txt',
  'SHA256SUMS',
  'CHECKSUM',
];

/** Lists of whole releases are some 100 KiB. */
const maxBytes = 4 * 2 ** 20;

/** A file's SHA-256 from a list beside it, and the name of that list. */
export interface Listed {
  readonly sha256: string;
  readonly list: string;
}

/** Looks up a file's SHA-256 in the checksum lists beside it; null when there is none, or none that can be read. */
export async function findListed(url: string, patience: Patience): Promise<Listed | null> {
  const { pathname } = new URL(url);
  const file = pathname.slice(pathname.lastIndexOf('/') + 1);
  if (file === '') return null;
  for (const list of listNames(file)) {
    const beside = new URL(url);
    beside.pathname = pathname.slice(0, -file.length) + list;
    try {
      const text = await textOf(await request(beside.href, patience), maxBytes);
      const sha256 = sumIn(text, decodeURI(file), list === `${file}.sha256`);
      if (sha256 !== null) return { sha256, list };
    } catch (error) {
      if (!(error instanceof PlaceError)) throw error;
    }
  }
  return null;
}

/**
 * The SHA-256 of a file in a list, with lines of sha256sum, `HEX  NAME` or `HEX *NAME`, or of BSD,
 * `SHA256 (NAME) = HEX`. With `isOwn`, the list is for this file alone, and may be just the hash.
 */
export function sumIn(text: string, file: string, isOwn: boolean): string | null {
  for (const line of text.split(/\r?\n/)) {
    const [, hex, name] = /^([0-9a-f]{64}) [ *](?:\.\/)?(.+)$/i.exec(line) ?? [];
    if (hex !== undefined && name === file) return hex.toLowerCase();
    const [, bsdName, bsdHex] = /^SHA256 \((.+)\) = ([0-9a-f]{64})$/i.exec(line) ?? [];
    if (bsdHex !== undefined && bsdName === file) return bsdHex.toLowerCase();
  }
  const [alone] = /^[0-9a-f]{64}$/i.exec(text.trim()) ?? [];
  return isOwn && alone !== undefined ? alone.toLowerCase() : null;
}
