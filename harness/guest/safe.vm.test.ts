import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QemuMachine } from '../lab/qemu/machine.ts';
import type { CgroupVersion, KernelWay, Runtime, StartGap } from '../matrix/matrix.ts';
import { presets } from '../matrix/presets.ts';
import { gapUse, workloadNames, type WorkloadName } from '../matrix/workloads.ts';
import { matrixOf, openTestLab } from '../testing/machines.ts';
import { guestEventSchema, type GuestResult } from '../trial/protocol.ts';
import { encodeRequest } from '../trial/request.ts';
import { canaries, killed, seen, steps, wrap } from './tests/scripts.ts';

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
  const { code, stdout, stderr } = await machine.exec(script, 300_000);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

interface Asked {
  readonly trial: number;
  readonly cgroup: CgroupVersion;
  readonly runtime: Runtime;
  readonly workload: WorkloadName;
  readonly startGap?: StartGap | null;
  readonly words?: string;
}

function words({ startGap = null, words: more = '', ...asked }: Asked): string {
  const strategy = { ...presets.single.v1, deadlineUs: 500_000, pollUs: 10_000 };
  return more + encodeRequest({ ...asked, seed: 7, parameters: {}, startGap, strategy });
}

/** Has one frostbite run them all, and gives their results in order. */
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

describe('a container whose first process is killed', () => {
  const boxes = (['runc', 'crun'] as const).flatMap((one, r) =>
    (['v1', 'v2'] as const).map((cgroup, v) => ({ runtime: one, cgroup, number: 100 * r + 10 * v })),
  );
  /** Its outcome, and what is said of it. */
  const said: Record<(typeof steps)[number], RegExp> = {
    never: /^(frozen|not-frozen)$/,
    instead: /^error: process \d+ is in the group \/\S*, not in \/frostline-\d+-\d+: it has ended, or /,
    created:
      /^error: (process \d+ is in the group \S+( \(deleted\))?, not in|\S+ start ended with|.* first process)/,
    started: /^error: .*the first process of the container, \d+, has ended/,
    freezing: /^error: the first process of the container, \d+, ended (during the freeze|before all)/,
    frozen: /^error: the first process of the container, \d+, ended (during the freeze|before all)/,
    thawing: /^(frozen$|error: the first process of the container, \d+, ended before all)/,
    deleted: /^frozen$/,
  };

  it('takes nobody with it, at any step, and says what happened', async () => {
    await run(canaries + wrap('runc') + wrap('crun'));
    const asked = boxes.flatMap(({ number, ...box }) =>
      steps.map((step, i): Asked => {
        const workload = step === 'freezing' ? 'fuse-unanswered' : 'sleep';
        return { ...box, trial: number + i, workload };
      }),
    );
    const found = await results(asked);
    const told = found.map(({ trial, outcome, reason }) => ({
      step: steps[trial % 10]!,
      words: reason === null ? outcome : `${outcome}: ${reason}`,
    }));
    expect(told).toEqual(told.map(({ step }) => ({ step, words: expect.stringMatching(said[step]) })));
    expect(found.filter(({ reusable }) => !reusable)).toEqual([]);
    expect(await run(seen)).toBe('canary lives\nsibling lives\n');
    await run('for name in runc crun; do at=$(command -v $name); mv $at.real $at; done');
  });
});

describe('a frostbite that is killed in the middle of a trial', () => {
  const ways = [
    'coredump-pipe',
    'fsfreeze-write',
    'blkio-throttle',
    'memcg-oom-wait',
    'dm-suspend',
    'nbd-dead',
  ] as const;
  const more = ['loop-on-fuse', 'fuse-unanswered', 'nfs-hung', 'pipe-read'] as const;

  it.each([...ways, ...more])('leaves nothing of %s once it is clean', async (workload) => {
    const request = words({ trial: 1, cgroup: 'v1', runtime: 'none', workload, words: 'keep=1\n' });
    const pattern = await run('cat /proc/sys/kernel/core_pattern');
    // its guardian, where there is one, has written back before; and so has clean where that was killed, too
    expect(await run(killed(request, false))).toBe(pattern);
    const said = await run(killed(request, true));
    const isOurs = workload === 'coredump-pipe';
    expect(said).toMatch(isOurs ? /^\|\/bin\/frostbite coredump \S+\n$/ : new RegExp(`^${pattern}$`));
  });
});

describe('a freeze at a random moment', () => {
  it('is an error with no workload, in no container: it is measured, or refused in words', async () => {
    const startGap = { fromUs: 0, toUs: 20_000 };
    const asked = (['none', 'runc'] as const).flatMap((one, r) =>
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
