import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QemuMachine } from '../lab/qemu/machine.ts';
import type { CgroupVersion, KernelWay, Runtime, StartGap } from '../matrix/matrix.ts';
import { presets } from '../matrix/presets.ts';
import { gapUse, workloadNames, type WorkloadName } from '../matrix/workloads.ts';
import { matrixOf, openTestLab } from '../testing/machines.ts';
import { guestEventSchema, type GuestResult } from '../trial/protocol.ts';
import { encodeRequest, type TrialRequest } from '../trial/request.ts';
import { canaries, killed, seen, type Step, steps, wrap } from './tests/scripts.ts';

// What frostbite does to a machine that is not its own: it kills nobody outside its groups, and leaves nothing changed.
const matrix = matrixOf(`name: test
trials: 1
distros: { guest: { driver: qemu, kernel: "deb:bullseye", userland: "deb:trixie" } }
cgroups: [v1, v2]
workloads: [sleep]
strategies: { single: { preset: single } }`);

let machine: QemuMachine;
beforeAll(async () => {
  const lab = await openTestLab();
  const way = matrix.distros.get('guest')!.ways[0] as KernelWay;
  machine = await lab.boot({ id: 'm1', way, signal: new AbortController().signal });
});
afterAll(() => machine[Symbol.asyncDispose]());

/** Runs a script to its end, as root in the guest. */
async function run(script: string): Promise<string> {
  const { code, stdout, stderr } = await machine.exec(script, 120_000);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

type Asked = Pick<TrialRequest, 'trial' | 'cgroup' | 'runtime' | 'workload'> & {
  readonly startGap?: StartGap;
  /** How long the group is held once it is FROZEN. */
  readonly holdUs?: number;
};

function words({ startGap, holdUs = 20_000, ...asked }: Asked): string {
  const strategy = { ...presets.single.v1, deadlineUs: 500_000, pollUs: 10_000 };
  const text = encodeRequest({ ...asked, seed: 7, parameters: {}, startGap: startGap ?? null, strategy });
  return text.replace(/hold_us=\d+/, `hold_us=${holdUs}`);
}

/** Lets one frostbite run them all; returns their results in order. */
async function results(asked: readonly Asked[]): Promise<GuestResult[]> {
  const channel = await machine.serve();
  for (const one of asked) channel.write(words(one));
  channel.end();
  const found: GuestResult[] = [];
  for await (const line of channel.lines) {
    const event = guestEventSchema.parse(JSON.parse(line));
    if (event.ev === 'result') found.push(event);
  }
  expect(await channel.ended).toMatchObject({ kind: 'exit', code: 0 });
  expect(found.map(({ trial }) => trial)).toEqual(asked.map(({ trial }) => trial));
  return found;
}

// comes first: a runtime on v2 takes v1's controllers for v2
describe('a frostbite that is killed in the middle of a trial', () => {
  const request = (workload: WorkloadName): string =>
    `keep=1\n${words({ trial: 1, cgroup: 'v1', runtime: 'none', workload })}`;

  it.each(['coredump-pipe', 'blkio-throttle', 'fsfreeze-write'] as const)(
    'has a guardian, which puts back what %s changed',
    async (workload) => {
      const pattern = await run('cat /proc/sys/kernel/core_pattern');
      expect(await run(killed(request(workload), false))).toBe(pattern);
    },
  );

  it.each([
    ...(['coredump-pipe', 'fsfreeze-write', 'blkio-throttle', 'memcg-oom-wait', 'dm-suspend'] as const),
    ...(['nbd-dead', 'loop-on-fuse', 'fuse-unanswered', 'nfs-hung', 'pipe-read'] as const),
  ])('leaves nothing of %s once it is clean, whose guardian was killed, too', async (workload) => {
    const pattern = await run('cat /proc/sys/kernel/core_pattern');
    const said = await run(killed(request(workload), true));
    const words = said.replace(/^\|\/usr\/bin\/frostbite coredump \S+$/, 'the handler');
    expect(words).toBe(workload === 'coredump-pipe' ? 'the handler' : pattern);
  });
});

describe('a container whose first process is killed', () => {
  const boxes: readonly (readonly [Runtime, CgroupVersion, readonly Step[]])[] = [
    ['crun', 'v1', steps],
    ['crun', 'v2', ['created', 'started', 'freezing', 'frozen']],
    ['runc', 'v1', ['created', 'frozen']],
    ['runc', 'v2', ['created', 'frozen']],
  ];
  /** The expected answer: an error, unless the kill comes too late to change anything. */
  const said: Record<Step, RegExp> = {
    never: /^frozen$/,
    instead: /^error: process \d+ is in the group \/\S*, not in \/frostline-\d+-\d+: it has ended, or /,
    created:
      /^error: (process \d+ is in the group .+, not in|\w+ (create|start) ended with|.* first process of the container)/,
    started: /^error: (\w+ start ended with|.*the first process of the container, \d+, has ended)/,
    freezing: /^error: the first process of the container, \d+, ended (during the freeze|before all)/,
    // v1 keeps the signal pending until the thaw, when all may run once more before they end
    frozen: /^(frozen$|error: the first process of the container, \d+, ended (during the freeze|before all))/,
    thawing: /^(frozen$|error: the first process of the container, \d+, ended before all)/,
    deleted: /^frozen$/,
  };

  it('takes nobody with it, at any step, and says what happened', async () => {
    await run(canaries + wrap('runc') + wrap('crun'));
    const asked = boxes.flatMap(([one, cgroup, at], i) =>
      at.map((step): Asked => ({
        ...{ trial: 10 * i + steps.indexOf(step), cgroup, runtime: one },
        workload: step === 'freezing' ? 'fuse-unanswered' : 'sleep',
        ...(step === 'frozen' ? { holdUs: 2_000_000 } : {}),
      })),
    );
    const found = await results(asked);
    await run('for name in runc crun; do at=$(command -v $name); mv $at.real $at; done');
    const told = found.map(({ trial, outcome, reason }, i) => ({
      box: `${asked[i]!.runtime} ${asked[i]!.cgroup}`,
      step: steps[trial % 10]!,
      words: reason === null ? outcome : `${outcome}: ${reason}`,
    }));
    expect(told).toEqual(
      told.map((one) => ({ ...one, words: expect.stringMatching(said[one.step]) as string })),
    );
    expect(found.filter(({ reusable }) => !reusable)).toEqual([]);
    expect(await run(seen)).toBe('canary lives\nsibling lives');
  });
});

describe('a freeze at a random moment', () => {
  it('is an error with no workload, in no container: it is measured, or refused in words', async () => {
    const startGap = { fromUs: 0, toUs: 20_000 };
    const asked = (['none', 'crun'] as const).flatMap((one, r) =>
      workloadNames.map((workload, i): Asked => ({
        trial: 100 * r + i,
        cgroup: 'v1',
        runtime: one,
        workload,
        startGap,
      })),
    );
    const found = await results(asked);
    const wrong = found.flatMap(({ outcome, reason }, i) => {
      const { workload, runtime: one } = asked[i]!;
      const use = gapUse(workload);
      const isRefused = use === 'never' || (use === 'bare' && one !== 'none');
      const told = reason?.startsWith('no startGap with this workload') === true;
      const is = isRefused ? told || reason?.includes('needs a container') : outcome !== 'error' && !told;
      return is === true ? [] : [`${one} ${workload}: ${outcome}, ${reason}`];
    });
    expect(wrong).toEqual([]);
  });
});
