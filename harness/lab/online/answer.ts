import { PlaceError, type Fault } from './fault.ts';

/**
 * What is known about a file's checksum. `given`: only the matrix has one; `offered`: only the server has one;
 * `listed`: both have the same one; `verified`: it matches all bytes of the file; `differs`: one of these comparisons
 * failed.
 */
export type Checksum = 'given' | 'offered' | 'listed' | 'verified' | 'differs';

/** The result of asking a place. */
export interface Answer {
  /** Null: a run can get what the matrix names from there. */
  readonly fault: Fault | null;
  /** What the place is if it is no download, e.g. a box that is built here; null: it answers. */
  readonly note: string | null;
  readonly bytes: number | null;
  /** Null: there is none. */
  readonly checksum: Checksum | null;
  /** The newest version that the place has for the requested provider, or of the suite. */
  readonly newest: string | null;
}

export const unknown: Answer = { fault: null, note: null, bytes: null, checksum: null, newest: null };

/** Runs `ask` and returns its answer. If a fault ends it, the answer has what was found until then. */
export async function answerOf(ask: (found: Found) => Promise<void>): Promise<Answer> {
  const found: Found = {};
  try {
    await ask(found);
    return { ...unknown, ...found };
  } catch (error) {
    if (!(error instanceof PlaceError)) throw error;
    const differs = error.fault.code === 'hash' ? ({ checksum: 'differs' } as const) : {};
    return { ...unknown, ...found, ...differs, fault: error.fault };
  }
}

/** The part of an answer that has been found so far. */
export type Found = { -readonly [key in keyof Omit<Answer, 'fault'>]?: Answer[key] };
