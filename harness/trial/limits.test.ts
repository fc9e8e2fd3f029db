import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { VcpuTime } from '../lab/machine.ts';
import { Limits } from './limits.ts';
import type { GuestEvent } from './protocol.ts';
import { isStarved, type Loss } from './window.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Limits of a guest whose vCPU gets this host time in each second. */
function watched(perSecond: VcpuTime = { ranMs: 900, waitedMs: 20 }, limitSeconds = 600) {
  const still = { now: false };
  const asked = { count: 0 };
  let ended: Loss | undefined;
  const limits = new Limits({
    limitSeconds,
    isStill: () => still.now,
    vcpus: () => {
      asked.count++;
      const seconds = performance.now() / 1000;
      const { ranMs, waitedMs } = perSecond;
      return Promise.resolve([
        { ranMs: ranMs * seconds, waitedMs: waitedMs === null ? null : waitedMs * seconds },
      ]);
    },
  });
  void limits.over.then((loss) => (ended = loss));
  const after = async (seconds: number): Promise<Loss['how'] | undefined> => {
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    return ended?.how;
  };
  return { limits, still, asked, after };
}

const beat = (change: Partial<Extract<GuestEvent, { ev: 'beat' }>> = {}): GuestEvent => ({
  ...{ ev: 'beat', us: 5, trial: 0, phase: 'thawing', ...change },
});
const stuck = {
  ...{ pid: 9, comm: 'frostbite', state: 'D', wchan: 'percpu_rwsem_wait', syscall: 1, stack: [] },
  file: '/sys/fs/cgroup/freezer/frostline-1-0/freezer.state',
};

describe('a guest that says nothing', () => {
  it('is silent after 15 s, with what its vCPUs had in them', async () => {
    const { limits, after } = watched();
    expect(await after(14)).toBeUndefined();
    limits.heard(beat());
    expect(await after(14)).toBeUndefined();
    expect(await after(1)).toBe('silent');
    const { phase, silence } = await limits.account();
    expect([phase, silence.seconds, isStarved(silence)]).toEqual(['thawing', 15, false]);
    expect(silence.vcpus![0]!.ranMs).toBeCloseTo(13 * 900, 0);
    limits.stop();
  });

  it('is not, while its machine stands still or has only just gone on', async () => {
    const { limits, still, after } = watched();
    await after(10);
    still.now = true;
    expect(await after(100)).toBeUndefined();
    still.now = false;
    expect(await after(14)).toBeUndefined();
    expect(await after(1)).toBe('silent');
    limits.stop();
  });

  it('has longer where the host gives its machine no time, and not for ever', async () => {
    const { limits, after } = watched({ ranMs: 20, waitedMs: 950 });
    expect(await after(60)).toBeUndefined();
    limits.heard(beat());
    expect(await after(119)).toBeUndefined();
    expect(await after(1)).toBe('silent');
    expect(isStarved((await limits.account()).silence)).toBe(true);
    limits.stop();
  });

  it('has no longer where its machine is idle of itself', async () => {
    const { limits, after } = watched({ ranMs: 5, waitedMs: 1 });
    expect(await after(15)).toBe('silent');
    limits.stop();
  });

  it('costs its host nothing while it is heard of', async () => {
    const { limits, asked, after } = watched();
    for (let i = 0; i < 20; i++) {
      await after(1);
      limits.heard(beat());
    }
    await limits.account();
    expect(asked.count).toBe(0);
    limits.stop();
  });
});

describe('a guest that is heard of', () => {
  it('is late when its time is over', async () => {
    const { limits, after } = watched(undefined, 30);
    for (let i = 0; i < 3; i++) {
      expect(await after(9)).toBeUndefined();
      limits.heard(beat());
    }
    expect(await after(3)).toBe('late');
    limits.stop();
  });

  it('is stuck once its kernel has held it in the freezer for a minute', async () => {
    const { limits, after } = watched();
    limits.heard(beat({ stuck: { ...stuck, us: 59_000_000 } }));
    expect(await after(1)).toBeUndefined();
    limits.heard(beat({ stuck: { ...stuck, us: 60_000_000, file: '/mnt/frozen' } }));
    expect(await after(1)).toBeUndefined();
    limits.heard(beat({ stuck: { ...stuck, us: 60_500_000 } }));
    expect(await after(1)).toBe('stuck');
    expect((await limits.account()).stuck).toMatchObject({ us: 60_500_000 });
    limits.stop();
  });

  it('was stuck no more, once a heartbeat says nothing of it', async () => {
    const { limits } = watched();
    limits.heard({ ev: 'start', trial: 0, kernelUs: 77 });
    limits.heard(beat({ stuck: { ...stuck, us: 9_000_000 } }));
    limits.heard(beat());
    expect(await limits.account()).toMatchObject({ stuck: null, kernelUs: 77 });
    limits.stop();
  });
});
