import pLimit from 'p-limit';
import type { Matrix, Way } from '../../matrix/matrix.ts';
import type { Answer } from './answer.ts';
import { askPlace, type Asker } from './ask.ts';
import { placesOf, type Place } from './places.ts';

/** A place and its answer. */
export interface Asked {
  readonly place: Place;
  readonly answer: Answer;
}

export interface WayAsked {
  readonly way: Way;
  readonly places: readonly Asked[];
  /** Whether all its places answer. */
  readonly answers: boolean;
}

export interface DistroAsked {
  readonly distro: string;
  readonly ways: readonly WayAsked[];
  /** Whether at least one of its ways answers. */
  readonly answers: boolean;
}

/** Places that are asked at the same time; few, since most are on the same servers. */
const atOnce = 6;

/**
 * Returns a function that asks all places of a matrix; a place that several matrices name is asked once. The function
 * rejects only with the reason of the asker's signal.
 */
export function matrixAsker(asker: Asker): (matrix: Matrix) => Promise<readonly DistroAsked[]> {
  const limit = pLimit(atOnce);
  const known = new Map<string, Promise<Answer>>();
  const askOnce = async ([key, place]: [string, Place]): Promise<Asked> => {
    const answer = known.get(key) ?? limit(() => askPlace(place, asker));
    known.set(key, answer);
    return { place, answer: await answer };
  };
  const askWay = async (way: Way): Promise<WayAsked> => {
    // deduplicated: a kernel and its userland are often of one suite
    const places = await Promise.all(
      [...new Map(placesOf(way).map((place) => [JSON.stringify(place), place]))].map(askOnce),
    );
    return { way, places, answers: places.every(({ answer }) => answer.fault === null) };
  };
  return (matrix) =>
    Promise.all(
      [...matrix.distros].map(async ([distro, { ways }]) => {
        const asked = await Promise.all(ways.map(askWay));
        return { distro, ways: asked, answers: asked.some(({ answers }) => answers) };
      }),
    );
}
