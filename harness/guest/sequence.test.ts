import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { capture } from '../base/command.ts';
import { loadMatrix } from '../matrix/load.ts';
import { guestEventSchema, type GuestEvent } from '../trial/protocol.ts';
import { encodeSequence } from '../trial/sequence.ts';
import { frostbitePath } from './build.ts';

let frostbite: string;
beforeAll(async () => {
  frostbite = await frostbitePath();
}, 120_000);

/** What `frostbite serve` answers to a request that it refuses before it makes any group. */
async function refusal(text: string): Promise<string | null | undefined> {
  const { stdout } = await capture([frostbite, 'serve'], { input: text, timeoutMs: 20_000 });
  const events = stdout
    .split('\n')
    .filter(Boolean)
    .map((line): GuestEvent => guestEventSchema.parse(JSON.parse(line)));
  const result = events.find((event) => event.ev === 'result');
  expect(result).toMatchObject({ outcome: 'error', reusable: true });
  return result?.reason;
}

describe('the steps of a request', () => {
  it.each([
    ['an unknown verb', 'melt a'],
    ['no name', 'freeze'],
    ['a path that leads out', 'group ../a'],
    ['a name from the root', 'group /a'],
    ['a name too long', `group ${'a'.repeat(48)}`],
    ['an unknown key', 'expect a colour=blue'],
    ['a key without a value', 'expect a state='],
    ['a word without a key', 'expect a FROZEN'],
    ['a state that is none', 'expect a state=COLD'],
    ['a letter that is none', 'expect p letter=D;T'],
    ['more processes than it starts', 'start p as=tick count=201'],
    ['no process', 'start p as=tick count=0'],
    ['an unknown kind', 'start p as=rock'],
    ['an unknown errno', 'write FROZEN in=a fails=EWHAT'],
    ['a time beyond the bounds', 'sleep 60000001'],
    ['a time that is none', 'sleep soon'],
    ['a bit that is none', 'expect a self=2'],
    ['what does not end', `expect a ${'state=FROZEN '.repeat(40)}`],
  ])('are refused with %s', async (_, step) => {
    const reason = await refusal(`trial=1\ncgroup=v1\nstep=${step}\n\n`);
    expect(reason).toBe(`not understood: step=${step.slice(0, 60)}`);
  });

  it('are 64 at most', async () => {
    expect(await refusal(`trial=1\n${'step=sleep 1\n'.repeat(65)}\n`)).toBe('not understood: step=sleep 1');
  });

  it('exclude a workload', async () => {
    expect(await refusal('trial=1\nworkload=sleep\nstep=sleep 1\n\n')).toContain('exclude each other');
  });

  it('of all known suites are read as the harness writes them', async () => {
    const file = new URL('../../matrices/conformance.yaml', import.meta.url);
    const loaded = loadMatrix(await readFile(file, 'utf8'), 'conformance.yaml');
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
    const texts = [...loaded.matrix.sequences.values()].map(({ steps }) =>
      // refused only for its last word
      encodeSequence({ trial: 1, seed: 1, cgroup: 'v2', steps }).replace(/\n\n$/, '\nlast=1\n\n'),
    );
    for (const text of texts) expect(await refusal(text)).toBe('not understood: last=1');
  });
});
