import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { matrixOf, shiftOn } from '../../testing/machines.ts';
import { openLocalLab } from './lab.ts';

const context = {
  ...{ run: 'test', consoles: tmpdir(), allowLocal: true, signal: new AbortController().signal },
  ...{ onWarning: () => undefined, onPreparing: () => () => undefined, onStep: () => () => undefined },
};

it('refuses this machine unless that is meant', async () => {
  await expect(openLocalLab({ ...context, allowLocal: false })).rejects.toThrow(
    "freezes groups of this machine's own",
  );
});

it("freezes groups of this machine's own kernel, or says what it lacks", async (test) => {
  if (process.getuid?.() !== 0) return test.skip('not root');
  const matrix = matrixOf(`name: test
trials: 2
deadline: 1s
distros: { here: { driver: local } }
cgroups: [v1, v2]
workloads: [sleep]
strategies: { any: {} }`);
  const { trials, lost } = await shiftOn(await openLocalLab(context), { driver: 'local' }, matrix);
  const unsupported = trials.filter(({ outcome }) => outcome === 'unsupported');
  for (const { reason } of unsupported) console.warn(`local: ${reason}`);
  expect(trials.length).toBeGreaterThan(0);
  const measured = trials.filter(({ outcome }) => outcome !== 'unsupported');
  expect(measured.map(({ outcome }) => outcome)).toEqual(measured.map(() => 'frozen'));
  expect(lost.length).toBe(unsupported.length);
});
