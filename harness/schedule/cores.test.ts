import { describe, expect, it } from 'vitest';
import { Cores } from './cores.ts';

const { signal } = new AbortController();
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Requests cores in order. `got` lists the requests granted so far; `release` releases the cores of one. */
function ask(cores: Cores, wanted: readonly number[], on = signal) {
  const got: number[] = [];
  const turns = wanted.map((count, i) =>
    cores.take({ cores: count, holdMs: 60_000 }, on).then((one) => {
      got.push(i);
      return one;
    }),
  );
  const release = async (i: number): Promise<void> => (await turns[i]!)[Symbol.dispose]();
  return { got, turns, release };
}

describe('the cores of a host', () => {
  it('are shared as long as there are any', async () => {
    const { got, release } = ask(new Cores(2), [1, 1, 1]);
    await turn();
    expect(got).toEqual([0, 1]);
    await release(1);
    await turn();
    expect(got).toEqual([0, 1, 2]);
  });

  it('are had alone by who needs all, whom nobody passes by', async () => {
    const { got, release } = ask(new Cores(2), [1, 2, 1, 1]);
    await turn();
    expect(got).toEqual([0]);
    await release(0);
    await turn();
    expect(got).toEqual([0, 1]);
    await release(1);
    await turn();
    expect(got).toEqual([0, 1, 2, 3]);
  });

  it('are all of them where more are needed than there are, and none are given back twice', async () => {
    const { got, release } = ask(new Cores(1), [4, 1, 1]);
    await release(0);
    await release(0);
    await turn();
    expect(got).toEqual([0, 1]);
  });

  it('are given back by who holds them for too long', async () => {
    const cores = new Cores(2);
    await cores.take({ cores: 2, holdMs: 20 }, signal);
    using _ = await cores.take({ cores: 2, holdMs: 60_000 }, signal);
    const { got } = ask(cores, [1]);
    await turn();
    expect(got).toEqual([]);
  });

  it('are not waited for after an abort, nor held up by who has left', async () => {
    const abort = new AbortController();
    const cores = new Cores(2);
    const held = await cores.take({ cores: 1, holdMs: 60_000 }, signal);
    const left = ask(cores, [2], abort.signal);
    const { got } = ask(cores, [1]);
    abort.abort(new Error('enough'));
    await expect(left.turns[0]).rejects.toThrow('enough');
    await turn();
    expect(got).toEqual([0]);
    held[Symbol.dispose]();
    await expect(cores.take({ cores: 1, holdMs: 60_000 }, abort.signal)).rejects.toThrow('enough');
  });
});
