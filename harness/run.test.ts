import { describe, expect, it } from 'vitest';
import { FrostlineError } from './errors.ts';
import type { Matrix } from './matrix/matrix.ts';
import { runPage } from './report/html/run.ts';
import { markdownReport } from './report/markdown.ts';
import { terminalReport } from './report/terminal.ts';
import type { Answer } from './testing/fake.ts';
import { runFake, type FakeEnd } from './testing/fake-run.ts';
import { matrixOf } from './testing/machines.ts';

const eight = 'sleep, spin, fork-storm, exec-storm, thread-storm, vfork-parent, ptrace-stop, dead-leader';

/** Three machines for each distro: by default 16 cells of one distro, cgroup and runtime, each with six trials. */
function matrixWith(change: Partial<Record<string, string>> = {}, distros = ['old']): Matrix {
  const keys = {
    ...{ name: 'test', trials: '6', machines: '3', deadline: '1s', cgroups: '[v1]' },
    distros: `{ ${distros.map((name) => `${name}: { driver: qemu, kernel: "deb:trixie" }`).join(', ')} }`,
    workloads: `[${eight}]`,
    strategies: '{ single: { preset: single }, runc: { preset: runc } }',
    ...change,
  };
  return matrixOf(
    Object.entries(keys)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  );
}

const frozen = { outcome: 'frozen', reusable: true } as const;
const error = (reason: string) => ({ outcome: 'error', reusable: true, reason }) as const;

/** The failure as Linux 3.10 reports it; the name of the group differs in each trial. */
function seeking(): Answer {
  let groups = 0;
  return ({ workload, number }) =>
    error(`${workload}: into /sys/fs/cgroup/freezer/frostline-${120 + groups++}-${number}: Illegal seek`);
}
const seek = 'into /sys/fs/cgroup/freezer/frostline-*: Illegal seek';

const times = (text: string, words: string): number => text.split(words).length - 1;

/** The human-readable reports of a run, by format. */
function reports({ stored: { summary, judgements } }: FakeEnd): Record<string, string> {
  const page = runPage({ summary, judgements, explanations: [], consoles: new Map() });
  return {
    terminal: terminalReport(summary, judgements, { colour: false, width: 150 }),
    markdown: markdownReport(summary, judgements).replaceAll('\\', ''),
    html: JSON.stringify(page.notes),
  };
}

const measuredOf = ({ stored: { summary } }: FakeEnd): Record<string, number> =>
  Object.fromEntries(summary.cells.map(({ id, trials }) => [id.split('/').slice(1, 4).join('/'), trials]));

describe('the same lab error in every trial', () => {
  it('is believed of all 16 cells after two machines, and said once', async () => {
    const end = await runFake({ matrix: matrixWith(), answer: seeking() });
    expect(end.boots).toEqual(['m1', 'm2']);
    expect(times(end.said, `not measured: 16 cells of old on v1: ${seek}`)).toBe(1);
    for (const text of Object.values(reports(end))) {
      expect(text).toContain(`16 cells of old on v1: lab-error: ${seek}`);
      expect(times(text, 'Illegal seek')).toBe(1);
    }
    expect(end.problems).toHaveLength(16);
    expect(new Set(end.problems.map(({ trials, reason }) => `${trials} ${reason}`))).toEqual(
      new Set([`6 ${seek}`]),
    );
    expect(end.stored.exitCode).toBe(69);
  });

  it.each([
    ['with three at once', 3, false, 6],
    ['each cell on machines of its own', 1, true, 4],
    ['each cell on machines of its own, four at once', 4, true, 8],
  ])('costs a handful of machines %s', async (_, jobs, hasTemplates, most) => {
    const matrix = matrixWith(hasTemplates ? { templates: 'true' } : {});
    const end = await runFake({ matrix, answer: seeking(), jobs, hasTemplates });
    expect(end.boots.length).toBeLessThanOrEqual(most);
    expect(times(end.said, 'not measured: ')).toBeLessThanOrEqual(3);
    expect(reports(end)['terminal']).toContain(`  16 cells of old on v1: lab-error: ${seek}\n`);
  });

  it('on v1 leaves v2 alone', async () => {
    const broken = seeking();
    const answer: Answer = (trial) => (trial.cgroup === 'v1' ? broken(trial) : frozen);
    const end = await runFake({ matrix: matrixWith({ cgroups: '[v1, v2]' }), answer });
    // two machines fail on v1, then one for each of the three assignments measures v2
    expect(end.boots).toHaveLength(5);
    const trials = Object.entries(measuredOf(end));
    expect(trials.map(([id, count]) => (id.startsWith('v2') ? count === 6 : count === 0))).not.toContain(
      false,
    );
    expect(end.said).toContain('not measured: 16 cells of old on v1: ');
  });

  it('leaves other distros alone', async () => {
    const broken = seeking();
    const answer: Answer = (trial) => (Number(trial.machine.slice(1)) <= 2 ? broken(trial) : frozen);
    const end = await runFake({ matrix: matrixWith({ machines: '1' }, ['old', 'new']), answer });
    expect(end.boots).toHaveLength(3);
    expect(end.stored.summary.cells.map(({ distro, trials }) => `${distro} ${trials}`)).toEqual([
      ...Array<string>(16).fill('old 0'),
      ...Array<string>(16).fill('new 6'),
    ]);
  });
});

describe('a lab error', () => {
  const single = { strategies: '{ single: { preset: single } }' };

  it('of one cell among good ones gives up that cell after two machines, on all', async () => {
    const broken = seeking();
    const answer: Answer = (trial) => (trial.workload === 'ptrace-stop' ? broken(trial) : frozen);
    const end = await runFake({ matrix: matrixWith(single), answer });
    expect(end.boots).toHaveLength(5);
    const { 'v1/none/ptrace-stop': bad, ...good } = measuredOf(end);
    expect(bad).toBe(0);
    expect(new Set(Object.values(good))).toEqual(new Set([6]));
    expect(end.said).toContain(`not measured: old/v1/none/ptrace-stop/single: ${seek}`);
  });

  it('of the first cell is found to be its own, since the next machine begins with another one', async () => {
    const tried: string[] = [];
    const broken = seeking();
    const answer: Answer = (trial) => {
      tried.push(`${trial.machine} ${trial.workload}`);
      return trial.workload === 'sleep' ? broken(trial) : frozen;
    };
    const matrix = matrixWith({ ...single, machines: '1', trials: '1', workloads: '[sleep, spin, nested]' });
    const end = await runFake({ matrix, answer });
    expect(tried).toEqual(['m1 sleep', 'm2 spin', 'm2 sleep', 'm3 nested']);
    expect(measuredOf(end)).toEqual({ 'v1/none/sleep': 0, 'v1/none/spin': 1, 'v1/none/nested': 1 });
  });

  it('with another reason on each machine is tried three times', async () => {
    const words = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'].values();
    const matrix = matrixWith({ ...single, trials: '1', machines: '1', workloads: '[sleep, spin]' });
    const end = await runFake({ matrix, answer: () => error(`no ${words.next().value ?? 'more'}`) });
    expect(end.boots).toHaveLength(6);
    expect(end.said).not.toContain('not measured: ');
    expect(end.problems.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^given up after 3 lab errors: no /),
      expect.stringMatching(/^given up after 3 lab errors: no /),
    ]);
  });

  it('that comes now and then gives up nothing that can be measured', async () => {
    const failed = new Set<number>();
    const broken = seeking();
    // every other trial fails once
    const answer: Answer = (trial) => {
      if (trial.number % 2 === 0 || failed.has(trial.number)) return frozen;
      failed.add(trial.number);
      return broken(trial);
    };
    const matrix = matrixWith({ ...single, machines: '1', workloads: '[sleep]' });
    const end = await runFake({ matrix, answer });
    expect(measuredOf(end)).toEqual({ 'v1/none/sleep': 6 });
    expect(end.problems).toEqual([]);
  });
});

it('counts no cell that the kernel cannot have among those given up', async () => {
  const broken = seeking();
  const answer: Answer = (trial) =>
    trial.workload === 'sleep'
      ? { outcome: 'unsupported', reusable: true, reason: 'no sleep' }
      : broken(trial);
  const end = await runFake({ matrix: matrixWith({ machines: '1' }), answer });
  expect(end.boots).toEqual(['m1', 'm2']);
  expect(end.said).toContain(`not measured: 14 cells of old on v1: ${seek}`);
  expect(end.problems.filter(({ reason }) => reason === 'no sleep')).toHaveLength(2);
});

describe('a distro that does not boot', () => {
  const why = (id: string): Error =>
    new FrostlineError(`${id} did not boot: QEMU ended with code 1`, {
      code: 'machine',
      todo: 'Read its log.',
    });

  it('is given up after two machines, whatever shares it has, with what to do', async () => {
    const boot = (machine: { readonly facts: { readonly id: string } }, distro: string) =>
      distro === 'old' ? Promise.reject(why(machine.facts.id)) : Promise.resolve(machine as never);
    const end = await runFake({ matrix: matrixWith({}, ['old', 'new']), answer: () => frozen, boot });
    expect(end.boots).toHaveLength(2 + 3);
    expect(times(end.said, 'not measured: ')).toBe(1);
    expect(end.said).toContain(
      'not measured: 16 cells of old on v1: m2 did not boot: QEMU ended with code 1 Read its log.\n',
    );
    expect(end.problems).toHaveLength(16);
    expect(end.problems[0]!.reason).toContain('Read its log.');
    expect(times(reports(end)['terminal']!, 'did not boot')).toBe(1);
    expect(end.stored.summary.cells.filter(({ trials }) => trials === 6)).toHaveLength(16);
  });

  it('is tried three times where each machine says something else', async () => {
    const words = ['alpha', 'beta', 'gamma'].values();
    const boot = (): Promise<never> => Promise.reject(new Error(`no ${words.next().value}`));
    const end = await runFake({ matrix: matrixWith({ machines: '1' }), answer: () => frozen, boot });
    expect(end.boots).toHaveLength(3);
    expect(times(end.said, '16 cells of old on v1: no gamma')).toBe(1);
    expect(end.said).not.toContain('ended early');
  });

  it('because its kernel cannot be had says so once', async () => {
    const failed = { old: new FrostlineError('no such suite', { code: 'kernel' }) };
    const end = await runFake({ matrix: matrixWith(), answer: () => frozen, failed });
    expect(end.boots).toEqual([]);
    expect(times(end.said, 'no such suite')).toBe(1);
    expect(end.said).not.toContain('ended early');
  });
});

describe('what was given up', () => {
  it('is tried again when the run is gone on with', async () => {
    const matrix = matrixWith({ machines: '1' });
    const { dir } = await runFake({ matrix, answer: seeking() });
    const end = await runFake({ matrix, answer: () => frozen, resume: dir });
    expect(end.boots).toEqual(['m3']);
    expect(end.problems).toEqual([]);
    expect(new Set(Object.values(measuredOf(end)))).toEqual(new Set([6]));
  });

  it('stays so in later rounds', async () => {
    const broken = seeking();
    const answer: Answer = (trial) => (trial.cgroup === 'v1' ? broken(trial) : frozen);
    const trials = '{ min: 4, max: 30, halfWidth: 0.15 }';
    const matrix = matrixWith({ trials, machines: '1', cgroups: '[v1, v2]' });
    const end = await runFake({ matrix, answer });
    expect(end.log.filter((line) => / v1 \d/.test(line))).toHaveLength(2);
    expect(end.events.filter(({ kind }) => kind === 'cells-given-up')).toHaveLength(1);
    expect(end.events.filter((event) => event.kind === 'cell-finished')).toHaveLength(32);
  });
});

it('says how many machines it will have at once, not how many it could have', async () => {
  const end = await runFake({ matrix: matrixWith({ machines: '1' }), answer: () => frozen, jobs: 16 });
  expect(end.said).toContain('16 cells, 96 trials; 1 machine at once, fake\n');
});
