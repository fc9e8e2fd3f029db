import type { VcpuTime } from '../lab/machine.ts';

/** The host time of a machine's vCPUs during a trial, summed: on a CPU, and waiting for one. */
export interface HostTime {
  readonly ranUs: number;
  readonly waitedUs: number;
}

type Look = readonly VcpuTime[] | null | undefined;

/** What each vCPU had of the host between two looks; null if the host does not say, or a vCPU came or went. */
export function timeBetween(before: Look, after: Look): VcpuTime[] | null {
  if (!before || !after || before.length !== after.length) return null;
  return after.map(({ ranMs, waitedMs }, i) => {
    const then = before[i]!;
    const isKnown = waitedMs !== null && then.waitedMs !== null;
    return { ranMs: ranMs - then.ranMs, waitedMs: isKnown ? waitedMs - then.waitedMs : null };
  });
}

/** The host time between two looks, summed; null if it is not known of every vCPU. */
export function hostTime(before: Look, after: Look): HostTime | null {
  const all = timeBetween(before, after);
  if (all === null || all.some(({ waitedMs }) => waitedMs === null)) return null;
  const sumUs = (of: (time: VcpuTime) => number): number =>
    Math.max(0, Math.round(1000 * all.reduce((sum, time) => sum + of(time), 0)));
  return { ranUs: sumUs(({ ranMs }) => ranMs), waitedUs: sumUs(({ waitedMs }) => waitedMs ?? 0) };
}
