import type { StrategyForms } from './matrix.ts';
import type { Schedule, Strategy } from './strategy.ts';

const ms = 1000;
const second = 1_000_000;
const always: Schedule = { at: [0], every: 1 };

/** One write, then only reads: the base of the other presets. */
const plain: Omit<Strategy, 'name'> = {
  tool: null,
  preDump: false,
  attempts: 100_000,
  deadlineUs: 10 * second,
  pollUs: 100 * ms,
  pollBefore: 'read',
  wait: 'poll',
  calls: 'own',
  rewrite: null,
  thaw: null,
  thawForUs: 0,
  settle: null,
  settleUs: 0,
};

/**
 * CRIU 2.5 to 4.0, criu/seize.c, freeze_processes(): one write, reads 100 ms apart until the alarm at 10 s
 * (its count of attempts, 100000, is a thousand times too large and never reached).
 */
const single: Strategy = { ...plain, name: 'single', calls: 'criu' };

/** containerd/cgroups v1, cgroup1/freezer.go: write, read, sleep 1 ms; never thaws. No deadline; 10 s is ours. */
const rewrite: Strategy = {
  ...plain,
  name: 'rewrite',
  calls: 'containerd',
  attempts: 1_000_000,
  pollUs: ms,
  pollBefore: 'write',
  rewrite: always,
};

/**
 * opencontainers/cgroups, fs/freezer.go (runc 1.0.0 and later): 1000 writes without a pause, THAWED and
 * 10 ms at i % 50 == 49, 10 us before reading back at i % 25 == 24. It has no deadline; 60 s is ours.
 */
const runcV1: Strategy = {
  ...plain,
  name: 'runc',
  calls: 'runc',
  attempts: 1000,
  deadlineUs: 60 * second,
  pollUs: 0,
  rewrite: always,
  thaw: { at: [49], every: 50 },
  thawForUs: 10 * ms,
  settle: { at: [24], every: 25 },
  settleUs: 10,
};

/** opencontainers/cgroups, fs2/freezer.go, waitFrozen(): one write, 1000 reads of cgroup.events 10 ms apart. */
const runcV2: Strategy = { ...plain, name: 'runc', attempts: 1000, deadlineUs: 60 * second, pollUs: 10 * ms };

/**
 * CRIU 4.1, criu/seize.c, cgroupv1_freezer_kludges(): at most 101 reads, 100 ms apart. In each cycle of 32 steps,
 * FROZEN is written again at 9 and 20, and at 31 the group is thawed for 100 ms and frozen again.
 */
const criuV1: Strategy = {
  ...plain,
  name: 'criu-4.1',
  calls: 'criu',
  attempts: 101,
  rewrite: { at: [9, 20], every: 32 },
  thaw: { at: [31], every: 32 },
  thawForUs: 100 * ms,
};

/** CRIU 4.1 on v2: no kludges, since writing 1 again does nothing there. */
const criuV2: Strategy = { ...plain, name: 'criu-4.1', attempts: 101 };

/** One write of 1, then a wait for the kernel's notification on cgroup.events, as in systemd and LXC. */
const notified: Strategy = { ...plain, name: 'v2', pollUs: 0, wait: 'events' };

/** Every preset, by name and cgroup version. */
export const presets = {
  single: { v1: single, v2: single },
  rewrite: { v1: rewrite },
  runc: { v1: runcV1, v2: runcV2 },
  'criu-4.1': { v1: criuV1, v2: criuV2 },
  v2: { v2: notified },
} as const satisfies Record<string, StrategyForms>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as readonly PresetName[];
