import type { VcpuTime } from '../lab/machine.ts';

/** Host time of all vCPUs of a machine together during a trial: time on a CPU, and time waiting for one. */
export interface HostTime {
  readonly ranUs: number;
  readonly waitedUs: number;
}

/** The time between two readings; null if the host does not provide it, or a vCPU came or went. */
export function hostTime(
  before: readonly VcpuTime[] | null | undefined,
  after: readonly VcpuTime[] | null | undefined,
): HostTime | null {
  if (!before || !after || before.length !== after.length) return null;
  let [ranMs, waitedMs] = [0, 0];
  for (const [i, now] of after.entries()) {
    const then = before[i]!;
    if (now.waitedMs === null || then.waitedMs === null) return null;
    ranMs += now.ranMs - then.ranMs;
    waitedMs += now.waitedMs - then.waitedMs;
  }
  return { ranUs: Math.max(0, Math.round(ranMs * 1000)), waitedUs: Math.max(0, Math.round(waitedMs * 1000)) };
}
