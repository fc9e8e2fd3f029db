import type { Cell } from '../plan/cell.ts';
import type { TrialRequest } from './request.ts';
import type { SequenceRequest } from './sequence.ts';

/** One trial of a cell, ready to run. */
export interface Task {
  readonly cell: Cell;
  readonly request: TrialRequest | SequenceRequest;
}
