import { describe, expect, it } from 'vitest';
import type { Condition } from '../lab/machine.ts';
import { judgeLoss } from './judge.ts';
import type { Loss } from './session.ts';

const healthy: Condition = { alive: true, detail: 'vCPUs running', facts: [] };
const dead: Condition = { alive: false, detail: 'QEMU ended with SIGKILL', facts: [] };
const panic = { kind: 'panic', line: 'Kernel panic - not syncing: sysrq triggered crash' } as const;
const lockup = { kind: 'lockup', line: 'watchdog: BUG: soft lockup - CPU#0 stuck for 22s!' } as const;
const hungTask = { kind: 'hung-task', line: 'INFO: task x blocked for more than 120 seconds.' } as const;
const silent: Loss = { how: 'silent', seconds: 15 };
const cut: Loss = { how: 'ended', end: { kind: 'lost', reason: 'read ECONNRESET' } };
const crashed: Loss = { how: 'ended', end: { kind: 'exit', code: null, signal: 'SEGV', stderr: 'boom' } };

describe('a lost trial', () => {
  it.each([
    ['panicked and ended', cut, { ...dead, facts: [panic] }, 'kernel-crash'],
    ['panicked and went silent', silent, { ...healthy, facts: [panic] }, 'kernel-crash'],
    ['silent, running', silent, healthy, 'kernel-hang'],
    ['silent, stopped', silent, { ...healthy, detail: 'vCPUs paused' }, 'kernel-hang'],
    ['locked up', cut, { ...healthy, facts: [lockup] }, 'kernel-hang'],
    ['host disk full', silent, { ...healthy, detail: 'vCPUs io-error' }, 'lab-error'],
    ['QEMU killed', cut, dead, 'lab-error'],
    ['QEMU killed, heard of late', silent, dead, 'lab-error'],
    ['connection cut', cut, healthy, 'lab-error'],
    ['connection cut, a hung task reported', cut, { ...healthy, facts: [hungTask] }, 'lab-error'],
    ['frostbite crashed', crashed, healthy, 'lab-error'],
    ['garbage', { how: 'garbled', line: '\u0000' }, healthy, 'lab-error'],
    ['late', { how: 'late', seconds: 70, phase: 'freezing' }, healthy, 'lab-error'],
  ] as const)('%s', (_, loss, condition, outcome) => {
    const verdict = judgeLoss(loss, condition);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.reason).toBeTruthy();
  });
});
