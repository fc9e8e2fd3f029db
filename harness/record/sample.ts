import type { TrialRecord } from './schema.ts';

/** A record of a frozen trial for tests, with some fields replaced. */
export function sampleRecord(change: Partial<TrialRecord> = {}): TrialRecord {
  return {
    schema: 1,
    run: '2026-11-23T02-00-00Z-nightly',
    cell: 'debian-12/v1/none/vfork-exec-storm/single',
    trial: 0,
    seed: 1,
    at: '2026-11-23T02:00:05.000Z',
    outcome: 'frozen',
    reason: null,
    frozenUs: 1200,
    writes: 1,
    reads: 2,
    thaws: 0,
    states: [[0, 'THAWED']],
    thaw: { outcome: 'thawed', us: 85, casualties: 0 },
    blockers: [],
    tool: null,
    window: { phase: 'cleanup', facts: [] },
    wallUs: 9000,
    guestUs: 8000,
    guest: { release: '6.1.0-56-cloud-amd64', cgroup: 'v1', cpus: 2, runtime: null },
    machine: {
      id: 'm3',
      boot: '6f0c0000-0000-0000-0000-000000000000',
      driver: 'qemu',
      accel: 'tcg',
      threads: 'multi',
      qemu: '10.0.2',
      cpu: 'Nehalem',
      memoryMiB: 512,
      userland: null,
      host: null,
      image: null,
    },
    ...change,
  };
}
