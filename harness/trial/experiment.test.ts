import { describe, expect, it, vi } from 'vitest';
import type { ChannelEnd, Machine, Watch } from '../lab/machine.ts';
import { matrixOf, tasksOf } from '../testing/machines.ts';
import { machineSaying, soundHello, soundResult, watchSeeing } from '../testing/saying.ts';
import { runTrial, type TrialOutcome } from './experiment.ts';
import { Session } from './session.ts';

const [task] = tasksOf(
  matrixOf(`name: test
trials: 1
distros: { guest: { driver: qemu, kernel: "deb:trixie" } }
cgroups: [v1]
workloads: [sleep]
strategies: { any: { deadline: 1s } }`),
);
const { request } = task!;
const cut: ChannelEnd = { kind: 'lost', reason: 'read ECONNRESET' };
const warning = '[    9.100000] WARNING: CPU: 0 PID: 7 at kernel/freezer.c:130 frozen+0x1';
const lockup = { kind: 'lockup', line: 'watchdog: BUG: soft lockup - CPU#0 stuck for 22s!' } as const;

async function* saying(...lines: readonly string[]): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(`${lines.join('\n')}\n`));
}

async function* forEver(...lines: readonly string[]): AsyncGenerator<Buffer> {
  yield Buffer.from(`${lines.join('\n')}\n`);
  await new Promise(() => undefined);
}

/** Runs a trial on a machine, with `watch` in place of the machine's own. */
async function trial(machine: Machine, watch: Watch): Promise<TrialOutcome> {
  const seen: Machine = { ...machine, watch: () => Promise.resolve(watch) };
  await using session = await Session.open(seen);
  return runTrial({ machine: seen, session }, request);
}

describe('a trial that ends well', () => {
  it('has what the kernel said in it, by console and log, and what became of its machine', async () => {
    const said = ['WARNING: CPU: 0 PID: 7 at kernel/freezer.c:130 frozen+0x1', 'oom-kill:constraint=NONE'];
    const machine = machineSaying(saying(soundHello, soundResult(0, { kernel: said })), null);
    const stop = { event: 'STOP', isOurs: false, detail: null, us: 7 } as const;
    const watch = watchSeeing({ facts: [{ kind: 'warning', line: warning }] }, [stop]);
    const { outcome, reason, reusable, window } = await trial(machine, watch);
    expect({ outcome, reason, reusable }).toEqual({ outcome: 'frozen', reason: null, reusable: true });
    expect(window).toEqual({
      phase: 'starting',
      facts: [
        { kind: 'warning', line: warning, count: 1 },
        { kind: 'oom', line: 'oom-kill:constraint=NONE', count: 1 },
      ],
      changes: [stop],
    });
  });

  it('is the last of a machine whose kernel oopsed in it', async () => {
    const kernel = ['BUG: unable to handle page fault for address: 0'];
    const machine = machineSaying(saying(soundHello, soundResult(0, { kernel })), null);
    expect(await trial(machine, watchSeeing())).toMatchObject({ outcome: 'frozen', reusable: false });
  });
});

describe('a trial that is lost', () => {
  it('is judged by what was seen since it began, and asks with the time of the kernel’s log', async () => {
    const start = '{"ev":"start","trial":0,"kernelUs":9000000}';
    const beat = '{"ev":"beat","us":5,"trial":0,"phase":"thawing"}';
    const machine = machineSaying(saying(soundHello, start, beat), cut);
    const asked: (number | null)[] = [];
    const watch = watchSeeing({ state: 'running', answers: false });
    const told = await trial(machine, {
      ...watch,
      condition: (kernelUs) => {
        asked.push(kernelUs);
        return watch.condition(kernelUs);
      },
    });
    expect(told).toMatchObject({ outcome: 'lab-error', window: { phase: 'thawing', facts: [] } });
    expect(asked).toEqual([9_000_000]);
    const locked = machineSaying(saying(soundHello, start, beat), cut);
    expect(await trial(locked, watchSeeing({ state: 'running', facts: [lockup] }))).toMatchObject({
      outcome: 'kernel-hang',
      window: { facts: [{ kind: 'lockup', count: 1 }] },
    });
  });

  it('has hung, with the stack, when its kernel has held frostbite in a write to freezer.state', async () => {
    const stuck = {
      ...{ us: 60_400_000, pid: 9, comm: 'frostbite', state: 'D', wchan: '0', syscall: 1 },
      ...{ stack: ['percpu_rwsem_wait', 'freezer_write'], file: '/g/freezer.state' },
    };
    const beat = JSON.stringify({ ev: 'beat', us: 5, trial: 0, phase: 'freezing', stuck });
    const { outcome, reason, window } = await trial(
      machineSaying(forEver(soundHello, beat), null),
      watchSeeing({ state: 'running', answers: true }),
    );
    expect(outcome).toBe('kernel-hang');
    expect(reason).toBe(
      'frostbite is held in write to freezer.state for 60 s, in D: percpu_rwsem_wait < freezer_write',
    );
    expect(window).toMatchObject({ phase: 'freezing', stuck });
  });

  it('by a machine that was not let go on is an error of ours', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const watch = watchSeeing({ state: 'paused', control: 'QMP cont: refused' });
      const told = trial(machineSaying(forEver(soundHello), null), watch);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(await told).toMatchObject({
        outcome: 'lab-error',
        reason: 'frostline could not stop its machine, or let it go on: QMP cont: refused',
      });
    } finally {
      vi.useRealTimers();
    }
  });
});
