import { PlaceError, type Fault } from './fault.ts';

/**
 * What is known of a file's checksum: `given` by the matrix, with none at the server to compare it with; `offered` by the
 * server alone; `listed`: both are the same; `verified`: it is that of all its bytes; `differs`: of one of these.
 */
export type Checksum = 'given' | 'offered' | 'listed' | 'verified' | 'differs';

/** What came of asking a place. */
export interface Answer {
  /** Null: a run can take from there what the matrix names. */
  readonly fault: Fault | null;
  /** What it is where that is no download, e.g. a box that is built here; null: it answers. */
  readonly note: string | null;
  readonly bytes: number | null;
  /** Null: there is none. */
  readonly checksum: Checksum | null;
  /** The newest version that the place has for the provider asked for, or of the suite. */
  readonly newest: string | null;
}

export const unknown: Answer = { fault: null, note: null, bytes: null, checksum: null, newest: null };

/** The answer of `ask`, with what it found until then where a fault ended it. */
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

/** What an answer will say, as far as it has been found. */
export type Found = { -readonly [key in keyof Omit<Answer, 'fault'>]?: Answer[key] };
