import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leftovers, matrixOf, openTestLab, shift, type ShiftLog } from '../testing/machines.ts';

const names = [
  ...['ltp.write-freezing', 'ltp.freeze-self-thaw', 'ltp.stop-freeze-thaw-cont', 'kselftest.tree'],
  ...['kselftest.ptraced', 'kselftest.vfork', 'kselftest.time-empty', 'runc.kill-paused', 'runc.frozen-pod'],
];

/** The sequences of known suites in `names`, and one that cannot pass, on one kernel. */
async function matrixFor(kernel: string): Promise<string> {
  const file = new URL('../../matrices/conformance.yaml', import.meta.url);
  const [, all = ''] = (await readFile(file, 'utf8')).split(/^sequences:\n/m);
  const chosen = all
    .split(/^(?= {2}\S)/m)
    .filter((one) => names.includes(/^ {2}(\S+):/.exec(one)?.[1] ?? ''));
  return `name: test
trials: 1
distros: { guest: { driver: qemu, kernel: "${kernel}" } }
cgroups: [v1, v2]
sequences:
${chosen.join('')}
  wrong:
    steps:
      - { group: a }
      - { group: a/b }
      - { start: p, in: a/b, as: tick, count: 3 }
      - { seize: p }
      - { stop: p }
      - { freeze: a/b }
      - { expect: a, state: FROZEN, within: 100ms }
      - { expect: p, gone: true }
      - { expect: a/b, processes: 0 }
  after:
    steps:
      - { group: a }
      - { expect: a, state: THAWED }
`;
}

describe.each([
  ['deb:bullseye', /^5\.10\./],
  ['deb:trixie', /^6\.12\./],
])('sequences on %s', (kernel, release) => {
  let log: ShiftLog;
  const of = (name: string): ShiftLog['trials'] =>
    log.trials.filter(({ cell }) => cell.includes(`/${name}/`));

  beforeAll(async () => {
    log = await shift(await openTestLab(), matrixOf(await matrixFor(kernel)));
  });
  afterAll(async () => expect(await leftovers()).toEqual([]));

  it('were played on one machine that stayed whole', () => {
    expect(log.machines.map((machine) => machine.release)).toEqual([expect.stringMatching(release)]);
    expect(log.lost).toEqual([]);
    expect(log.trials.every(({ reusable }) => reusable)).toBe(true);
  });

  it.each(names.filter((name) => !name.includes('.time-')))('%s passes, and tells each step', (name) => {
    expect(of(name).length).toBeGreaterThan(0);
    for (const { outcome, reason, result } of of(name)) {
      expect([outcome, reason]).toEqual(['passed', null]);
      expect(result?.steps?.map(({ step, ok }) => [step, ok])).toEqual(
        result?.steps?.map((_, i) => [i, true]),
      );
    }
  });

  it('are unsupported where the kernel has no frozen_usec', () => {
    expect(of('kselftest.time-empty')).toMatchObject([
      { outcome: 'unsupported', reason: expect.stringContaining('frozen_usec') },
    ]);
  });

  it('go on after a step that failed, say what was found, and leave nothing behind', () => {
    expect(of('wrong').length).toBe(2);
    for (const { outcome, reason, result } of of('wrong')) {
      expect(outcome).toBe('failed');
      expect(reason).toBe('step 6, expect a: expected state FROZEN within 100 ms, found THAWED');
      const failed = result?.steps?.filter(({ ok }) => !ok);
      expect(failed?.map(({ step, expected }) => [step, expected])).toEqual([
        [6, 'state FROZEN within 100 ms'],
        [7, 'gone'],
        [8, '0 processes'],
      ]);
    }
    expect(of('after').map(({ outcome }) => outcome)).toEqual(['passed', 'passed']);
  });
});
