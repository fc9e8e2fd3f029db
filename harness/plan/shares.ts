/**
 * The trials of a cell that one of its machines runs: trial t goes to machine `t mod machines`, so that a
 * trial stays where it is when trials are added. `machine` counts from 0.
 */
export function* trialsOf(
  machine: number,
  { trials, machines }: { readonly trials: number; readonly machines: number },
): Generator<number> {
  for (let trial = machine; trial < trials; trial += machines) yield trial;
}
