import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factKinds } from '../lab/kernel.ts';
import type { Condition } from '../lab/machine.ts';
import { judge } from './judge.ts';
import { isInFreezer } from './stuck.ts';
import { isStarved, type Heard, type Loss, type Silence, type Window } from './window.ts';

const panic = { kind: 'panic', line: 'Kernel panic - not syncing: sysrq triggered crash' } as const;
const oops = { kind: 'oops', line: 'BUG: unable to handle page fault for address: 0' } as const;
const lockup = { kind: 'lockup', line: 'watchdog: BUG: soft lockup - CPU#0 stuck for 22s!' } as const;
const hungTask = { kind: 'hung-task', line: 'INFO: task x blocked for more than 120 seconds.' } as const;
const warning = { kind: 'warning', line: 'WARNING: CPU: 0 PID: 1 at kernel/freezer.c:130' } as const;

const silent: Loss = { how: 'silent' };
const late: Loss = { how: 'late', seconds: 130 };
const cut: Loss = { how: 'ended', end: { kind: 'lost', reason: 'read ECONNRESET' } };
const unanswered: Loss = { how: 'ended', end: { kind: 'lost', reason: 'Keepalive timeout' } };
const crashed: Loss = { how: 'ended', end: { kind: 'exit', code: null, signal: 'SEGV', stderr: 'boom' } };

const vcpu = (ranMs: number, waitedMs: number | null): Silence => ({
  ...{ seconds: 15, overMs: 13_000 },
  vcpus: [
    { ranMs, waitedMs },
    { ranMs: 20, waitedMs: 1 },
  ],
});
const unknown: Silence = { seconds: 15, overMs: 0, vcpus: null };
const stuck = {
  ...{ pid: 9, comm: 'frostbite', state: 'D', wchan: 'percpu_rwsem_wait', syscall: 1, us: 61_000_000 },
  ...{ stack: ['percpu_rwsem_wait', 'cpus_read_lock', 'freezer_write'], file: '/g/freezer.state' },
};
const atUmount = { ...stuck, syscall: 166, file: undefined, stack: ['fuse_kill_sb'], wchan: '0' };

const running: Condition = {
  ...{ alive: true, state: 'running', answers: false, control: null, detail: null, facts: [] },
};
const dead: Condition = { ...running, alive: false, state: null, detail: 'QEMU ended with SIGKILL' };

/** What was observed of a trial that was lost. */
interface Lost extends Partial<Pick<Window, 'facts' | 'changes'>>, Partial<Heard> {
  readonly condition?: Partial<Condition>;
}
const lostWindow = (loss: Loss, { facts = [], changes = [], condition, ...heard }: Lost = {}): Window => ({
  end: { kind: 'lost', loss },
  heard: { phase: 'freezing', kernelUs: null, stuck: null, silence: vcpu(12_000, 500), ...heard },
  condition: { ...running, ...condition },
  ...{ facts, changes },
});

const stop = (isOurs: boolean) => [{ event: 'STOP', isOurs, detail: null, us: 5 }] as const;

describe('a lost trial', () => {
  it.each<readonly [what: string, loss: Loss, seen: Lost, outcome: string, reason: RegExp]>([
    ['panicked and ended', cut, { facts: [panic], condition: dead }, 'kernel-crash', /sysrq/],
    ['panicked and went silent', silent, { facts: [panic] }, 'kernel-crash', /sysrq/],
    [
      'told its machine of a panic',
      silent,
      { changes: [{ event: 'GUEST_PANICKED', isOurs: false, detail: 'pause', us: 1 }] },
      'kernel-crash',
      /panicked/,
    ],
    [
      'silent, running',
      silent,
      {},
      'kernel-hang',
      /^no heartbeat for 15 s \(vCPUs running, they had 12\.0 \(waited 0\.5\) and 0\.0 \(waited 0\.0\) s of the host, no command is answered\)$/,
    ],
    ['silent, idle of itself', silent, { silence: vcpu(200, 30) }, 'kernel-hang', /no heartbeat/],
    [
      'silent, stopped by us',
      silent,
      { condition: { state: 'paused', answers: null }, changes: stop(true) },
      'lab-error',
      /^machine stopped by frostline: vCPUs paused/,
    ],
    [
      'silent, stopped by another',
      silent,
      { condition: { state: 'paused', answers: null }, changes: stop(false) },
      'lab-error',
      /^machine stopped by somebody else: vCPUs paused/,
    ],
    [
      'silent, stopped, with a lockup before',
      silent,
      { condition: { state: 'paused' }, facts: [lockup] },
      'lab-error',
      /stopped/,
    ],
    [
      'that could not be let go on',
      cut,
      { condition: { control: 'QMP cont: not within 30 s' } },
      'lab-error',
      /^frostline could not stop its machine, or let it go on: QMP cont/,
    ],
    ['host disk full', silent, { condition: { state: 'io-error' } }, 'lab-error', /by QEMU: vCPUs io-error/],
    [
      'monitor silent, too',
      silent,
      { condition: { state: 'unknown', detail: "QEMU's monitor does not answer" } },
      'lab-error',
      /^machine lost: QEMU's monitor/,
    ],
    ['starved by the host', silent, { silence: vcpu(900, 11_000) }, 'lab-error', /^the host gave/],
    [
      'starved by the host, with a lockup',
      silent,
      { silence: vcpu(900, 11_000), facts: [lockup] },
      'lab-error',
      /^the host gave/,
    ],
    [
      'starved by a host that says little',
      silent,
      { silence: vcpu(900, null) },
      'lab-error',
      /they had 0\.9 and/,
    ],
    ['silent, but commands are answered', silent, { condition: { answers: true } }, 'lab-error', /answers/],
    [
      'silent, on a host without a monitor',
      silent,
      {
        silence: unknown,
        condition: { state: null, detail: 'vagrant says that it is running' },
      },
      'kernel-hang',
      /\(vagrant says that it is running, no command is answered\)/,
    ],
    ['locked up', cut, { facts: [lockup] }, 'kernel-hang', /soft lockup/],
    [
      'locked up, and answers all the same',
      cut,
      { facts: [lockup], condition: { answers: true } },
      'lab-error',
      /lost/,
    ],
    ['keepalives unanswered', unanswered, { silence: unknown }, 'kernel-hang', /^Keepalive timeout \(vCPUs/],
    ['QEMU killed', cut, { condition: dead }, 'lab-error', /^machine ended: QEMU ended with SIGKILL$/],
    ['QEMU killed, heard of late', silent, { condition: dead }, 'lab-error', /^machine ended/],
    [
      'reset by its guest',
      cut,
      { condition: dead, changes: [{ event: 'SHUTDOWN', isOurs: false, detail: 'guest-reset', us: 1 }] },
      'lab-error',
      /\(SHUTDOWN: guest-reset\)$/,
    ],
    ['connection cut', cut, {}, 'lab-error', /^connection lost: read ECONNRESET/],
    ['connection cut, a hung task reported', cut, { facts: [hungTask] }, 'lab-error', /^connection lost/],
    ['frostbite crashed', crashed, {}, 'lab-error', /^frostbite ended with SEGV: boom/],
    ['garbage', { how: 'garbled', line: '\u0000' }, {}, 'lab-error', /broke the protocol/],
    ['late', late, {}, 'lab-error', /^no result after 130 s .* frostbite was at: freezing$/],
    [
      'held in freezer.state',
      { how: 'stuck' },
      { stuck },
      'kernel-hang',
      /^frostbite is held in write to freezer\.state for 61 s, in D: percpu_rwsem_wait < cpus_read_lock/,
    ],
    ['held in freezer.state, then silent', silent, { stuck }, 'kernel-hang', /held in write/],
    [
      'held in the end of a group',
      late,
      { stuck: { ...stuck, syscall: 84, file: undefined } },
      'kernel-hang',
      /rmdir/,
    ],
    [
      'held in a group, no stack to be had',
      late,
      { stuck: { ...stuck, syscall: null, file: undefined, stack: [] } },
      'kernel-hang',
      /in the kernel for 61 s, in D: percpu_rwsem_wait$/,
    ],
    [
      'held by what its workload made',
      late,
      { stuck: atUmount },
      'lab-error',
      /at: freezing, in system call 166/,
    ],
    [
      'held in the freezer by a machine that was stopped',
      silent,
      { stuck, condition: { state: 'paused' } },
      'lab-error',
      /stopped/,
    ],
  ])('%s', (_, loss, seen, ...[outcome, reason]) => {
    const verdict = judge(lostWindow(loss, seen));
    expect(verdict).toEqual({ outcome, reason: expect.stringMatching(reason) as string });
  });
});

describe('a trial with a result', () => {
  const of = (outcome: 'frozen' | 'not-frozen' | 'error', facts: Window['facts']): string => {
    const { heard } = lostWindow(silent);
    const end = { kind: 'result', result: { outcome, reason: null } } as const;
    return judge({ end, heard, facts, changes: [], condition: null }).outcome;
  };

  it.each([
    ['frozen', [warning], 'frozen'],
    ['frozen', [oops], 'frozen'],
    ['not-frozen', [lockup], 'not-frozen'],
    ['error', [], 'lab-error'],
    ['error', [warning], 'lab-error'],
    ['error', [oops], 'kernel-crash'],
  ] as const)('that is %s with %o is %s', (outcome, facts, expected) => {
    expect(of(outcome, facts)).toBe(expected);
  });
});

describe('whatever is seen of a lost trial', () => {
  const loss = fc.constantFrom<Loss>(
    ...[silent, late, cut, unanswered, crashed],
    ...([{ how: 'stuck' }, { how: 'garbled', line: 'x' }] as const),
  );
  const window = fc
    .record({
      facts: fc.subarray(factKinds.map((kind) => ({ kind, line: `a ${kind}` }))),
      changes: fc.subarray([...stop(true), ...stop(false)]),
      stuck: fc.constantFrom(null, stuck, atUmount),
      silence: fc.constantFrom(unknown, vcpu(12_000, 0), vcpu(100, 12_000), vcpu(100, null)),
      condition: fc.record({
        alive: fc.boolean(),
        state: fc.constantFrom('running', 'paused', 'io-error', 'unknown', null),
        answers: fc.constantFrom(true, false, null),
        control: fc.constantFrom(null, 'QMP stop: not within 30 s'),
        detail: fc.constantFrom(null, 'so it stands'),
      }),
    })
    .chain((seen) => loss.map((how) => lostWindow(how, seen)));

  it('no fault of ours is called the kernel’s, and every verdict has its reason', () => {
    fc.assert(
      fc.property(window, (one) => {
        const { outcome, reason } = judge(one);
        expect(reason).toBeTruthy();
        const { alive, state, control } = one.condition!;
        const isCrash = one.facts.some(({ kind }) => kind === 'panic' || kind === 'oops');
        expect(outcome === 'kernel-crash').toBe(isCrash);
        if (outcome !== 'kernel-hang') return;
        expect({ alive, control }).toEqual({ alive: true, control: null });
        expect(state === 'running' || state === null).toBe(true);
        const { loss: how } = one.end as { loss: Loss };
        const held = one.heard.stuck !== null && isInFreezer(one.heard.stuck);
        const isQuiet = how.how === 'silent' || (how.how === 'ended' && how.end.kind === 'lost');
        expect(held || (isQuiet && one.condition!.answers !== true)).toBe(true);
        expect(isQuiet && isStarved(one.heard.silence)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});
