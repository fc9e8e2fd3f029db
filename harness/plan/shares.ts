import type { Round } from './rounds.ts';

/**
 * The trials of a cell that one machine of a round runs: the round's trial t, from 0, goes to machine
 * `t mod machines`, so that a trial stays where it is when trials are added. `machine` counts from 0.
 */
export function* trialsOf(machine: number, machines: number, { from, to }: Round): Generator<number> {
  for (let trial = from + machine; trial < to; trial += machines) yield trial;
}
