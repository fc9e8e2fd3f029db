import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { blockerSchema, type Blocker } from '../trial/protocol.ts';
import { causeOf } from './causes.ts';
import { explainRecords } from './explain.ts';

const evidenceSchema = z.object({
  evidence: z.array(
    z.object({ workload: z.string(), cgroup: z.string(), release: z.string(), blocker: blockerSchema }),
  ),
});
const { evidence } = evidenceSchema.parse(
  JSON.parse(readFileSync(new URL('fixtures/blockers.json', import.meta.url), 'utf8')),
);

/** What blocks the freeze of each workload, according to its source. */
const expected: Readonly<Record<string, string>> = {
  'mt-exec-storm': 'exec',
  'vfork-exec-storm': 'vfork-lost',
  'fuse-unanswered': 'fuse',
  'fsfreeze-write': 'fs-frozen',
  'nfs-hung': 'nfs',
  'nfs-hung-behind': 'nfs',
  'vhost-worker': 'kthread',
};

const task = (state: string, ...stack: string[]): Blocker => ({
  pid: 7,
  comm: 'x',
  state,
  wchan: '0',
  syscall: 1,
  stack,
});

describe('a cause', () => {
  it.each(evidence)('of $workload on $release, $cgroup, is found on what a real kernel said', (seen) => {
    const { workload, cgroup, release, blocker } = seen;
    const found = causeOf(blocker, { cgroup, release })?.key;
    const allowed = workload === 'nfs-hung-behind' ? ['nfs', 'behind'] : [expected[workload]];
    // a workload missing from the table would otherwise allow an undefined cause
    expect(allowed).not.toContain(undefined);
    expect(allowed).toContain(found);
  });

  it.each([
    ['submit_bio_wait', 'disk'],
    // 3.10
    ['do_blockdev_direct_IO', 'disk'],
    ['dio_await_completion', 'disk'],
    ['mem_cgroup_oom_synchronize', 'memcg-oom'],
    ['handle_userfault', 'userfault'],
    ['zap_pid_ns_processes', 'pidns-exit'],
    ['de_thread+0x1a2/0x3c0', 'exec'],
    ['[<0>] request_wait_answer+0x11f/0x220', 'fuse'],
    ['__mutex_lock.constprop.0', 'behind'],
  ])('is known by %s', (frame, key) => {
    expect(causeOf(task('D', frame, 'do_syscall_64'), { cgroup: 'v1', release: '6.1.0' })?.key).toBe(key);
  });

  it('is an exec where its stack cannot be read and it has killed its siblings, whatever wchan says', () => {
    const unread: Blocker = { ...task('D'), syscall: null, unread: true, killedThreads: 7 };
    const scene = { cgroup: 'v1', release: '4.18.0-240.el8.x86_64' };
    expect(causeOf(unread, scene)?.key).toBe('exec');
    // an exec that waits for its file holds the same mutex, but has killed no thread yet
    expect(causeOf({ ...unread, killedThreads: 0 }, scene)).toBeNull();
    expect(causeOf({ ...task('D'), wchan: 'flush_old_exec' }, scene)?.key).toBe('exec');
  });

  it('is not said to be a lost vfork parent where that freezes: before 6.1, and on v2', () => {
    const parent = task('D', 'kernel_clone', '__do_sys_vfork');
    expect(causeOf(parent, { cgroup: 'v1', release: '5.10.0-46-cloud-amd64' })).toBeNull();
    expect(causeOf(parent, { cgroup: 'v2', release: '6.12.1' })).toBeNull();
    expect(causeOf(parent, { cgroup: 'v1', release: '6.1.0-56-cloud-amd64' })?.key).toBe('vfork-lost');
  });

  it('is unknown when no rule knows the task', () => {
    expect(causeOf(task('D', 'some_new_wait'), { cgroup: 'v1', release: '9.1.0' })).toBeNull();
    expect(causeOf(task('S'), { cgroup: 'v1', release: null })).toBeNull();
    expect(causeOf(task('R'), { cgroup: 'v1', release: null })?.key).toBe('running');
  });
});

describe('explainRecords', () => {
  const failed = (trial: number, ...blockers: Blocker[]): TrialRecord =>
    sampleRecord({ trial, outcome: 'not-frozen', frozenUs: null, blockers });

  it('counts a trial for the first of its blockers that a rule knows', async () => {
    const [cell, ...more] = await explainRecords([
      sampleRecord({ trial: 0 }),
      failed(1, task('D', 'some_new_wait'), task('D', 'begin_new_exec')),
      failed(2, task('D', 'begin_new_exec')),
      failed(3, task('D', 'request_wait_answer')),
      failed(4, task('D', 'some_new_wait')),
      failed(5),
      sampleRecord({ trial: 6, outcome: 'lab-error', frozenUs: null }),
      sampleRecord({ cell: 'a/v1/none/sleep/single' }),
    ]);
    expect(more).toEqual([]);
    expect(cell).toMatchObject({ failed: 5, trials: 6, unseen: 1, releases: ['6.1.0-56-cloud-amd64'] });
    expect(cell!.causes.map(({ cause, trials }) => [cause?.key ?? null, trials])).toEqual([
      ['exec', 2],
      ['fuse', 1],
      [null, 1],
    ]);
  });

  it('looks at the cells that are wanted', async () => {
    expect(await explainRecords([failed(0, task('R'))], (cell) => cell.startsWith('other'))).toEqual([]);
  });
});
