import { describe, expect, it } from 'vitest';
import { countFacts, linesAfter, mergeFacts, readFacts } from './kernel.ts';

describe('facts of a kernel', () => {
  // lines as kernels 3.10 to 7.3 print them
  it.each([
    ['Kernel panic - not syncing: sysrq triggered crash', 'panic'],
    ['Oops: 0000 [#1] SMP NOPTI', 'oops'],
    ['BUG: unable to handle page fault for address: ffffc900', 'oops'],
    ['kernel BUG at kernel/cgroup/freezer.c:123!', 'oops'],
    ['watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [frostbite:123]', 'lockup'],
    ['rcu: INFO: rcu_preempt self-detected stall on CPU', 'rcu-stall'],
    ['INFO: task frostbite:412 blocked for more than 120 seconds.', 'hung-task'],
    ['Out of memory: Killed process 88 (frostbite)', 'oom'],
    ['Memory cgroup out of memory: Killed process 88 (frostbite)', 'oom'],
    ['WARNING: CPU: 1 PID: 5 at kernel/freezer.c:139 __thaw_task+0x4c/0x60', 'warning'],
    ['WARNING: kernel/freezer.c:139 at __thaw_task+0x4c/0x60, CPU#1: frostbite/5', 'warning'],
    ['WARNING: possible circular locking dependency detected', 'warning'],
  ] as const)('%s', (line, kind) => {
    expect(readFacts(`[    1.0] booting\n[   12.3] ${line}\n`)).toEqual([
      { kind, line: `[   12.3] ${line}` },
    ]);
  });

  it('are none in an ordinary boot', () => {
    const log =
      '[    0.1] mtrr: your CPUs had inconsistent MTRRdefType settings\nfrostline: ready\n' +
      '  WARNING: Failed to connect to lvmetad. Falling back to device scanning.\n';
    expect(readFacts(log)).toEqual([]);
  });

  it('are those after an instant of the kernel’s clock, or without a time', () => {
    const log = [
      '[    4.999999] WARNING: CPU: 0 before',
      '[    5.000000] WARNING: CPU: 0 at it',
      '[    5.000001] WARNING: CPU: 0 after',
      'WARNING: CPU: 0 whenever',
    ].join('\n');
    expect(linesAfter(log, 5_000_000).split('\n')).toEqual([
      '[    5.000001] WARNING: CPU: 0 after',
      'WARNING: CPU: 0 whenever',
    ]);
  });

  it('of two accounts of one time are told once', () => {
    const console = readFacts('[   12.345678][  T412] WARNING: CPU: 0 PID: 1\n');
    const log = readFacts('WARNING: CPU: 0 PID: 1\nWARNING: CPU: 1 PID: 2\n');
    const all = mergeFacts(console, log);
    expect(all.map(({ line }) => line)).toEqual([
      '[   12.345678][  T412] WARNING: CPU: 0 PID: 1',
      'WARNING: CPU: 1 PID: 2',
    ]);
    expect(countFacts(all)).toEqual([{ kind: 'warning', line: all[0]!.line, count: 2 }]);
  });
});
