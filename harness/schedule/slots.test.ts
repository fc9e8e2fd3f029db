import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Slots } from './slots.ts';

interface Job {
  readonly name: string;
  readonly wait: number;
  readonly rank?: number;
}

/** Slots whose work ends when the test says so. */
function steered() {
  const running = new Map<string, (error?: Error) => void>();
  const begun: string[] = [];
  const slots = new Slots<Job>({
    waitOf: ({ wait }) => wait,
    rankOf: ({ rank = 0 }) => rank,
    act: ({ name }) =>
      new Promise((resolve, reject) => {
        begun.push(name);
        running.set(name, (error) => {
          running.delete(name);
          if (error === undefined) resolve();
          else reject(error);
        });
      }),
  });
  const end = async (name: string, error?: Error): Promise<void> => {
    running.get(name)!(error);
    await setImmediate();
  };
  return { slots, begun, running, end };
}

const busy = (...names: string[]): Job[] => names.map((name) => ({ name, wait: 0 }));
const waits = (...names: string[]): Job[] => names.map((name, i) => ({ name, wait: i + 1 }));

describe('slots', () => {
  it('begin with those that wait longest, one at a time where there is one machine', async () => {
    const { slots, begun, end } = steered();
    slots.add([...busy('a', 'b'), ...waits('short', 'long')], 1);
    for (const name of ['long', 'short', 'a', 'b']) {
      expect(begun.at(-1)).toBe(name);
      await end(name);
    }
    expect(await slots.done()).toHaveLength(4);
  });

  it('have machines for both kinds, and all for one when the other is over', async () => {
    const { slots, begun, running, end } = steered();
    slots.add([...busy('a', 'b', 'c', 'd'), ...waits('u', 'v', 'w')], 4);
    expect([...running.keys()].sort()).toEqual(['a', 'b', 'v', 'w']);
    await end('w');
    expect(begun.at(-1)).toBe('u');
    await end('u');
    await end('v');
    expect([...running.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('take work that comes later, before what is there and waits less', async () => {
    const { slots, begun, running, end } = steered();
    slots.add(waits('short', 'long'), 1);
    slots.add([{ name: 'longest', wait: 9 }], 1);
    await end('long');
    expect(begun.at(-1)).toBe('longest');
    slots.add(busy('late'), 2);
    expect([...running.keys()]).toEqual(['longest', 'late']);
  });

  it('take turns by rank, whichever was there first', async () => {
    const { slots, begun, end } = steered();
    const ranked = (names: readonly string[]): Job[] => names.map((name, rank) => ({ name, wait: 0, rank }));
    slots.add(ranked(['a0', 'a1', 'a2']), 1);
    slots.add(ranked(['b0', 'b1', 'b2']), 1);
    for (const name of ['a0', 'b0', 'a1', 'b1', 'a2']) await end(name);
    expect(begun).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  });

  it('begin no more when there are fewer machines from now on', async () => {
    const { slots, running, end } = steered();
    slots.add(busy('a', 'b'), 2);
    slots.add(busy('c', 'd'), 1);
    await end('a');
    expect([...running.keys()]).toEqual(['b']);
    await end('b');
    expect([...running.keys()]).toEqual(['c']);
  });

  it('say how each went, once all have ended', async () => {
    const { slots, end } = steered();
    const error = new Error('lost');
    slots.add(busy('a', 'b'), 1);
    const done = slots.done();
    await end('a', error);
    await end('b');
    expect(await done).toEqual([
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: undefined },
    ]);
  });
});
