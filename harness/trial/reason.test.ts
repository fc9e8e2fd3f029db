import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsWords, patternOf, sharedWords, withoutName } from './reason.ts';

describe('two reasons are the same', () => {
  it.each([
    [
      'into /sys/fs/cgroup/freezer/frostline-121-0: Illegal seek',
      'into /sys/fs/cgroup/freezer/frostline-98-17: Illegal seek',
    ],
    ['m3 did not boot: QEMU ended with code 1', 'm14 did not boot: QEMU ended with code 1'],
    [
      'm3 did not boot: "ready" on its console: not within 120 s\n  [    1.2] one',
      'm4 did not boot: "ready" on its console: not within 121.5 s\n  [    2.3] other',
    ],
    [
      'm1 did not boot: QEMU ended with code 0; [    2.962801] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n  [    2.9] one',
      'm2 did not boot: QEMU ended with code 0; [    3.630853] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n  [    3.6] one',
    ],
    ['no result after 64 s though the guest runs', 'no result after 71 s though the guest runs'],
    [
      'connection lost: connect ECONNREFUSED 127.0.0.1:41233',
      'connection lost: connect ECONNREFUSED 127.0.0.1:9',
    ],
    ['process 312 into the v1 memory group: No space', 'process 9 into the v1 memory group: No space'],
    ['open /proc/312/stat: No such process', 'open /proc/9/stat: No such process'],
    ['[    1.234567] BUG at ffffffff81000000', '[   99.000001] BUG at ffffffffa1234567'],
    [
      'its boot is 6f0c0000-0000-4000-8000-000000000000 now',
      'its boot is 6f0c0000-0000-4000-8000-00000000000f now',
    ],
    ['frostbite ended with SIGSEGV: at 0x7f12', 'frostbite ended with SIGSEGV: at 0x55'],
    ['/dev/shm/frostbite-12: No space', '/dev/shm/frostbite-3144: No space'],
    ['lost at 2026-11-23T02:00:05.000Z', 'lost at 2026-11-24T12:01:00Z'],
  ])('%j and %j', (one, other) => {
    expect(patternOf(one)).toBe(patternOf(other));
    expect(patternOf(one)).toContain('*');
  });
});

describe('two reasons are not the same', () => {
  it.each([
    ['into /sys/fs/cgroup/freezer/x: Illegal seek', 'into /sys/fs/cgroup/freezer/x: Operation not permitted'],
    ['into /sys/fs/cgroup/freezer/x: Illegal seek', 'into /sys/fs/cgroup/unified/x: Illegal seek'],
    ['QEMU ended with code 1', 'QEMU ended with code 0'],
    ['runc create ended with 1: no', 'runc create ended with 127: no'],
    ['frostbite ended with SIGSEGV', 'frostbite ended with SIGKILL'],
    ['Linux 4.5 or newer', 'Linux 5.2 or newer'],
    ['no v1 freezer', 'no v2 freezer'],
  ])('%j and %j', (one, other) => {
    expect(patternOf(one)).not.toBe(patternOf(other));
  });
});

it('is the same for ever, and has one line', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('m', '0', '1', 'x', 'a', '-', '/', ' ', ':', '[', ']', '.', 's', '\n'),
        maxLength: 60,
      }),
      (text) => {
        const pattern = patternOf(text);
        expect(patternOf(pattern)).toBe(pattern);
        expect(pattern).not.toContain('\n');
      },
    ),
  );
});

describe('whose a reason is', () => {
  it.each([
    ['sleep: into /sys: Illegal seek', 'sleep', 'into /sys: Illegal seek'],
    ['spin: into /sys: Illegal seek', 'sleep', 'spin: into /sys: Illegal seek'],
    ['first, into /sys: Illegal seek', 'ltp.freeze', 'into /sys: Illegal seek'],
    ['mkdir /sys: No space', 'sleep', 'mkdir /sys: No space'],
  ])('%j of %s is %j', (reason, workload, expected) => {
    expect(withoutName(reason, { workload })).toBe(expected);
  });
});

describe('one sentence for several reasons', () => {
  it.each([
    [['m3 is gone'], 'm3 is gone'],
    [['m3 is gone', 'm3 is gone'], 'm3 is gone'],
    [['m3 is gone', 'm4 is gone'], 'm* is gone'],
    [['m3 is gone\n  Look.', 'm4 is gone\n  Look.'], 'm* is gone\n  Look.'],
  ])('%j', (reasons, expected) => {
    expect(sharedWords(reasons)).toBe(expected);
  });
});

describe('cells in words', () => {
  const cell = (id: string): Parameters<typeof cellsWords>[0][number] => {
    const [distro = '', cgroup = '', runtime = '', workload = '', strategy = ''] = id.split('/');
    return { id, distro, cgroup, runtime, workload, strategy };
  };
  it.each([
    [['a/v1/none/sleep/single'], 'a/v1/none/sleep/single'],
    [['a/v1/none/sleep/single', 'a/v1/none/spin/runc'], '2 cells of a on v1'],
    [['a/v1/runc/sleep/single', 'a/v2/runc/sleep/single'], '2 cells of a in runc with sleep by single'],
    [['a/v1/none/sleep/single', 'b/v2/runc/spin/runc'], '2 cells'],
  ])('%j are %s', (ids, expected) => {
    expect(cellsWords(ids.map(cell))).toBe(expected);
  });
});
