import { setImmediate as soon } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Machine } from '../lab/machine.ts';
import type { Load } from './cores.ts';
import { Turns } from './turns.ts';

const { signal } = new AbortController();
const calm: Load = { cores: 1, holdMs: null };
const race: Load = { cores: 2, holdMs: null };

/** A machine that only records whether it is paused. */
class Standing {
  isStill = false;

  pause(): Promise<void> {
    this.isStill = true;
    return Promise.resolve();
  }

  resume(): Promise<void> {
    this.isStill = false;
    return Promise.resolve();
  }
}

function host(count: number) {
  const turns = new Turns(2);
  const machines = Array.from({ length: count }, () => new Standing());
  const join = (): void => machines.forEach((one) => turns.join(one as unknown as Machine));
  const begin = (i: number, load: Load) => turns.begin(machines[i] as unknown as Machine, load, signal);
  const still = async (): Promise<string> => {
    await soon();
    await soon();
    return machines.map(({ isStill }) => (isStill ? '-' : 'x')).join('');
  };
  return { turns, machines, join, begin, still };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('the turns of a host', () => {
  it('leave machines without a trial standing still', async () => {
    const { join, begin, still } = host(3);
    join();
    expect(await still()).toBe('---');
    const turn = await begin(1, calm);
    expect(await still()).toBe('-x-');
    turn[Symbol.dispose]();
    expect(await still()).toBe('---');
  });

  it('let a trial that waits go on when it has given its core back', async () => {
    const { join, begin, still } = host(2);
    join();
    await begin(0, { ...calm, holdMs: 5 });
    await begin(1, calm);
    await vi.advanceTimersByTimeAsync(20);
    expect(await still()).toBe('xx');
  });

  it('are given up by a trial that only waits, and had again before it acts, for which it stands still', async () => {
    const { join, begin, still } = host(2);
    join();
    const waiting = await begin(0, race);
    const other = begin(1, race);
    expect(await still()).toBe('x-');
    waiting.quiet(700);
    const turn = await other;
    expect(await still()).toBe('xx');
    // the wait is nearly over, and the other trial still holds the cores
    await vi.advanceTimersByTimeAsync(650);
    expect(await still()).toBe('-x');
    turn[Symbol.dispose]();
    expect(await still()).toBe('x-');
    waiting[Symbol.dispose]();
    expect(await still()).toBe('--');
  });

  it('are not given up for a moment, nor by who needs none', async () => {
    const { join, begin, still } = host(2);
    join();
    const turn = await begin(0, race);
    void begin(1, race);
    turn.quiet(100);
    expect(await still()).toBe('x-');
  });

  it('are all given back by a trial that ends while it waits for its own', async () => {
    const { join, begin, still } = host(2);
    join();
    const waiting = await begin(0, race);
    waiting.quiet(700);
    const turn = await begin(1, race);
    await vi.advanceTimersByTimeAsync(550);
    waiting[Symbol.dispose]();
    turn[Symbol.dispose]();
    expect(await still()).toBe('--');
    const last = await begin(0, race);
    expect(await still()).toBe('x-');
    last[Symbol.dispose]();
  });

  it('go on for the next trial of a cell for a while, and not once they are given back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { join, begin } = host(2);
    join();
    const turn = await begin(0, { ...calm, holdMs: 150 });
    await vi.advanceTimersByTimeAsync(100);
    expect(turn.goesOn()).toBe(true);
    await vi.advanceTimersByTimeAsync(100);
    expect(turn.goesOn()).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    expect(turn.goesOn()).toBe(false);
    const long = await begin(1, race);
    await vi.advanceTimersByTimeAsync(900);
    expect(long.goesOn()).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    expect(long.goesOn()).toBe(false);
  });

  it('are for machines that cannot stand still, too', async () => {
    const turns = new Turns(2);
    const machine = {} as Machine;
    turns.join(machine);
    using turn = await turns.begin(machine, race, signal);
    expect(turn.goesOn()).toBe(true);
  });
});
