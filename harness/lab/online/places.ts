import { withoutSecrets } from '../../base/url.ts';
import type { KernelSource, VagrantWay, Way } from '../../matrix/matrix.ts';

/** A source that a run gets something from. */
export type Place =
  /** From a registry. */
  | { readonly kind: 'box'; readonly box: string; readonly version: string | null; readonly provider: string }
  /** Built on this host from packages of a suite. */
  | { readonly kind: 'own-box'; readonly box: string; readonly suite: string }
  | { readonly kind: 'suite'; readonly suite: string; readonly text: string }
  | { readonly kind: 'url'; readonly url: string; readonly sha256: string | null }
  | { readonly kind: 'file'; readonly path: string; readonly sha256: string | null }
  | { readonly kind: 'folder'; readonly path: string }
  /** Nothing is fetched from it. */
  | { readonly kind: 'machine'; readonly name: string };

/** Suites that scripts/build-box knows. */
const ownBox = /^frostline\/(bookworm|trixie)$/;

/** All places that a way needs. */
export function placesOf(way: Way): Place[] {
  switch (way.driver) {
    case 'vagrant':
      return [boxOf(way)];
    case 'image':
      return [filesOf(way.image)];
    case 'qemu': {
      const { kernel, userland } = way;
      return [...kernelPlaces(kernel), ...(userland === null ? [] : [suiteOf(userland)])];
    }
    case 'ssh':
      return [{ kind: 'machine', name: `${way.user}@${way.host}:${way.port}` }];
    case 'local':
      return [{ kind: 'machine', name: 'this host' }];
  }
}

const suiteOf = ({ suite, text }: { suite: string; text: string }): Place => ({ kind: 'suite', suite, text });

function boxOf({ box, boxVersion, provider }: VagrantWay): Place {
  if (box.endsWith('.box')) return { kind: 'file', path: box, sha256: null };
  const suite = ownBox.exec(box)?.[1];
  if (suite !== undefined) return { kind: 'own-box', box, suite };
  return { kind: 'box', box, version: boxVersion, provider };
}

const filesOf = (part: { place: string; isUrl: boolean; sha256: string | null }): Place =>
  part.isUrl
    ? { kind: 'url', url: part.place, sha256: part.sha256 }
    : { kind: 'file', path: part.place, sha256: part.sha256 };

function kernelPlaces(kernel: KernelSource): Place[] {
  switch (kernel.kind) {
    case 'deb':
      return [suiteOf(kernel)];
    case 'path':
      return [
        { kind: 'file', path: kernel.image, sha256: null },
        ...(kernel.modules === null ? [] : [{ kind: 'folder', path: kernel.modules } as const]),
      ];
    case 'rpm':
    case 'url':
      return kernel.parts.map(filesOf);
  }
}

/** Human-readable name of a place, without the user name and password of a URL. */
export function placeWords(place: Place): string {
  switch (place.kind) {
    case 'box':
      return place.version === null ? place.box : `${place.box} ${place.version}`;
    case 'own-box':
      return place.box;
    case 'suite':
      return place.text;
    case 'url':
      return withoutSecrets(place.url);
    case 'file':
    case 'folder':
      return place.path;
    case 'machine':
      return place.name;
  }
}
