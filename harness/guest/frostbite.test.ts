import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { capture } from '../base/command.ts';
import { parametersOf } from '../matrix/parameters.ts';
import { gapUse, workloadNames, workloads } from '../matrix/workloads.ts';
import { presets } from '../matrix/presets.ts';
import { toolNames, tools } from '../matrix/tools.ts';
import { guestEventSchema, type GuestEvent } from '../trial/protocol.ts';
import { encodeRequest } from '../trial/request.ts';
import { frostbitePath } from './build.ts';

let frostbite: string;
beforeAll(async () => {
  frostbite = await frostbitePath();
}, 120_000);

/** Sends text to `frostbite serve`, closes its input, and returns its events. Only for requests that freeze nothing. */
async function serve(text: string): Promise<{ events: GuestEvent[]; code: number | null }> {
  const { code, stdout } = await capture([frostbite, 'serve'], { input: text, timeoutMs: 20_000 });
  const lines = stdout.split('\n').filter(Boolean);
  return { code, events: lines.map((line) => guestEventSchema.parse(JSON.parse(line))) };
}

/** frostbite's groups in the hierarchies that it names; throws where they cannot be seen. */
function groupsAt(events: readonly GuestEvent[]): string[] {
  const [hello] = events;
  if (hello?.ev !== 'hello') throw new Error('frostbite did not say hello');
  const places = [hello.v1, hello.v2].filter((place) => place !== null);
  if (places.length === 0) throw new Error('no cgroup is mounted here, so that none can be seen');
  return places.flatMap((place) => readdirSync(place).filter((name) => name.startsWith('frostline-')));
}

const results = (events: readonly GuestEvent[]): string[] =>
  events.flatMap((event) =>
    event.ev === 'result' ? [`${event.trial} ${event.outcome}: ${event.reason}`] : [],
  );

interface Listed {
  readonly name: keyof typeof workloads;
  readonly summary: string;
  readonly startGap: string;
  /** By name: default, minimum and maximum; for words, their indices. */
  readonly parameters: Readonly<Record<string, readonly number[]>>;
}

const bounds = (name: Listed['name']): Listed['parameters'] =>
  Object.fromEntries(
    Object.entries(parametersOf(name)).map(([key, one]) => [
      key,
      'of' in one ? [one.of.indexOf(one.default), 0, one.of.length - 1] : [one.default, one.min, one.max],
    ]),
  );

describe('frostbite', () => {
  it('has the workloads that a matrix can name', async () => {
    const { stdout } = await capture([frostbite, 'list']);
    const listed = JSON.parse(stdout) as Listed[];
    expect(listed.map(({ name }) => name)).toEqual(workloadNames);
    expect(listed.map(({ startGap }) => startGap)).toEqual(workloadNames.map(gapUse));
    expect(Object.fromEntries(listed.map(({ name, summary }) => [name, summary]))).toEqual(workloads);
    for (const { name, parameters } of listed)
      expect({ name, parameters }).toEqual({ name, parameters: bounds(name) });
  });

  it('says hello and ends when its input does', async () => {
    const { events, code } = await serve('');
    expect(events[0]).toMatchObject({ ev: 'hello', arch: 'x86_64' });
    expect(code).toBe(0);
  });

  it.each([
    ['an unknown workload', 'trial=1\nworkload=nope\n\n', '1 error: not understood: workload=nope'],
    ['an unknown key', 'trial=2\nworkload=sleep\nspeed=9\n\n', '2 error: not understood: speed=9'],
    ['a line without a value', 'trial=3\nworkload\n\n', '3 error: not understood: workload='],
    [
      'a number that is none',
      'trial=4\nworkload=sleep\npoll_us=fast\n\n',
      '4 error: not understood: poll_us=fast',
    ],
    [
      'a number out of range',
      'trial=5\nworkload=sleep\nattempts=0\n\n',
      '5 error: not understood: attempts=0',
    ],
    [
      'a cgroup version that is none',
      'trial=6\ncgroup=v3\nworkload=sleep\n\n',
      '6 error: not understood: cgroup=v3',
    ],
    ['no workload', 'trial=7\n\n', '7 error: trial and workload are needed'],
    [
      'notifications on v1',
      'trial=8\nworkload=sleep\ncgroup=v1\nwait=events\n\n',
      '8 error: wait=events needs cgroup=v2',
    ],
    [
      'a tool without a container',
      'trial=9\nworkload=sleep\ntool=runc-pause\n\n',
      '9 error: tool=runc-pause needs a container',
    ],
    [
      'a runtime that is none',
      'trial=10\nworkload=sleep\nruntime=docker\n\n',
      '10 error: not understood: runtime=docker',
    ],
    [
      'a gap that ends before it begins',
      'trial=11\nworkload=sleep\ngap_from_us=9\ngap_us=5\n\n',
      '11 error: gap_from_us is more than gap_us',
    ],
  ])('refuses %s and touches no group', async (_, text, expected) => {
    const { events } = await serve(text);
    expect(results(events)).toEqual([expected]);
    expect(groupsAt(events)).toEqual([]);
  });

  it('bounds a line that has no end', async () => {
    const { events } = await serve(`trial=1\n${'x'.repeat(1_000_000)}\n\n`);
    expect(results(events)).toEqual([`1 error: not understood: ${'x'.repeat(60)}=`]);
  });

  it('reads every preset as the harness writes it', async () => {
    for (const forms of Object.values(presets)) {
      for (const [cgroup, strategy] of Object.entries(forms)) {
        // the trial is then refused only for its workload, which comes last
        const text = encodeRequest({
          trial: 1,
          seed: 7,
          cgroup: cgroup as 'v1',
          runtime: 'none',
          startGap: { fromUs: 0, toUs: 60_000 },
          workload: 'sleep',
          parameters: {},
          strategy,
        });
        const { events } = await serve(text.replace(/\n\n$/, '\nworkload=last\n\n'));
        expect(results(events)).toEqual(['1 error: not understood: workload=last']);
      }
    }
  });

  it('reads every tool as the harness names it', async () => {
    for (const tool of toolNames) {
      const strategy = { ...presets.single.v1, tool };
      const text = encodeRequest({
        ...{
          trial: 1,
          seed: 7,
          cgroup: 'hybrid',
          workload: 'sleep',
          parameters: {},
          startGap: null,
          strategy,
        },
        runtime: tools[tool].runtimes[0],
      });
      const { events } = await serve(text.replace(/\n\n$/, '\nworkload=last\n\n'));
      expect(results(events)).toEqual(['1 error: not understood: workload=last']);
    }
  });

  it('keeps nothing in shared memory once it has ended', async () => {
    const kept = (): string[] => readdirSync('/dev/shm').filter((name) => name.startsWith('frostbite-'));
    const before = kept();
    await serve('');
    expect(kept()).toEqual(before);
  });

  it('keeps what it goes by where nobody else can read or write', async () => {
    const kept = (): string[] =>
      readdirSync('/dev/shm', { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.startsWith('frostbite-'),
      );
    const before = kept();
    const child = spawn(frostbite, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const made = kept().filter((name) => !before.includes(name));
    const modes = made.map((name) => statSync(join('/dev/shm', name)).mode & 0o777);
    child.stdin.end();
    await once(child, 'exit');
    expect(modes.map((mode) => mode.toString(8)).toSorted()).toEqual(['600', '600', '700']);
  });

  it('beats once a second at least, also when it has nothing to do', async () => {
    const child = spawn(frostbite, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const times: number[] = [];
    let text = '';
    for await (const data of child.stdout as AsyncIterable<Buffer>) {
      text += data.toString();
      const beats = text.split('"ev":"beat"').length - 1;
      while (times.length < beats) times.push(performance.now());
      if (beats >= 4) break;
    }
    child.stdin.end();
    await once(child, 'exit');
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    // a beat is promised every second; a busy host may be late once
    expect(gaps.sort((a, b) => a - b)[1]).toBeLessThan(1100);
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('ends with 0 on %s', async (signal) => {
    const child = spawn(frostbite, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.runIf(process.getuid?.() === 0)(
    'that cannot fork says so, and kills nobody (root takes the rights of another user)',
    async () => {
      // where that user has access: the folder of these tests is only open to root
      const dir = await mkdtemp('/tmp/frostline-test-');
      onTestFinished(() => rm(dir, { recursive: true }));
      await chmod(dir, 0o755);
      await copyFile(frostbite, join(dir, 'frostbite'));
      const nobodyElse = ['--reuid', '61234', '--clear-groups'];
      const canary = spawn('setpriv', [...nobodyElse, 'sleep', '60'], { stdio: 'ignore' });
      await once(canary, 'spawn');
      const serving = ['prlimit', '--nproc=1', join(dir, 'frostbite'), 'serve'];
      const ended = await capture(['setpriv', ...nobodyElse, ...serving], { timeoutMs: 20_000 });
      expect(ended).toMatchObject({
        code: 69,
        stderr: 'frostbite: fork of the heartbeat: Resource temporarily unavailable\n',
      });
      expect([canary.exitCode, canary.signalCode]).toEqual([null, null]);
      canary.kill();
      expect(await once(canary, 'exit')).toEqual([null, 'SIGTERM']);
    },
  );

  it('ends with 0 when nobody reads what it says', async () => {
    const child = spawn(frostbite, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
