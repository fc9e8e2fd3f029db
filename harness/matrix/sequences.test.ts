import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { planCells } from '../plan/cells.ts';
import { parseSelect } from '../plan/select.ts';
import { explain } from './finding.ts';
import { loadMatrix } from './load.ts';
import type { Matrix } from './matrix.ts';
import { good } from './sample.ts';

const head = `name: c
trials: 1
distros: { debian-13: { driver: qemu, kernel: "deb:trixie" } }
cgroups: [v1, v2]
sequences:
  one:
    cgroups: [v1]
    steps:
`;
const sound = [
  '{ group: a }',
  '{ start: p, in: a, as: tick }',
  '{ freeze: a }',
  '{ expect: a, state: FROZEN }',
];
const withSteps = (steps: readonly string[]): string =>
  head + steps.map((step) => `      - ${step}\n`).join('');

function found(text: string): string[] {
  const loaded = loadMatrix(text, 'm.yaml');
  return loaded.ok
    ? []
    : loaded.findings.map((one) => `${one.line}:${one.column} ${one.code}: ${explain(one)}`);
}

function load(text: string): Matrix {
  const loaded = loadMatrix(text, 'm.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  return loaded.matrix;
}

/** A step appended to the valid ones, on line 13, and the finding it must cause. */
const bad: readonly (readonly [what: string, step: string, expected: string])[] = [
  ['an unknown verb', '{ freez: a }', '13:11 unknown-key: Unknown key "freez". Did you mean "freeze"?'],
  ['no verb', '{ in: a }', '13:9 pointless: This step has no verb.'],
  [
    'two verbs',
    '{ freeze: a, thaw: a }',
    '13:9 pointless: A step has one verb; this one has freeze and thaw.',
  ],
  ['a detail of another verb', '{ freeze: a, within: 1s }', '13:22 unknown-key: Unknown key "within".'],
  ['an unknown group', '{ thaw: b }', '13:17 unknown-name: Unknown name "b".'],
  ['an unknown process', '{ move: q, to: a }', '13:17 unknown-name: Unknown name "q".'],
  ['a group that is not there yet', '{ move: p, to: b }', '13:24 unknown-name: Unknown name "b".'],
  ['a group in an unknown one', '{ group: b/c }', '13:18 unknown-name: Unknown name "b".'],
  ['a group made twice', '{ group: a }', '13:18 duplicate: "a" is given twice.'],
  ['a process with the name of a group', '{ start: a, as: tick }', '13:18 duplicate: "a" is given twice.'],
  ['a process of no kind', '{ start: q, in: a }', '13:9 missing-key: The key "as" is missing.'],
  [
    'an unknown kind',
    '{ start: q, as: tock }',
    '13:25 unknown-name: Unknown name "tock". Did you mean "tick"?',
  ],
  ['a nap without end', '{ start: q, as: nap }', '13:9 pointless: `for` says how long a nap is'],
  ['a state that is none', '{ expect: a, state: FROZE }', '13:29 unknown-name: Unknown name "FROZE".'],
  ['a bare number as a time', '{ sleep: 10 }', '13:18 bad-value: Expected a duration from 1us to 60s'],
  ['a time beyond the bounds', '{ sleep: 61s }', '13:18 bad-value: Expected a duration from 1us to 60s'],
  ['nothing expected', '{ expect: a, within: 1s }', '13:9 pointless: This step expects nothing.'],
  ['a letter of a group', '{ expect: a, letter: [D] }', '13:22 pointless: "a" is a group, of which `letter`'],
  [
    'a state of a process',
    '{ expect: p, state: FROZEN }',
    '13:22 pointless: "p" is a process, of which `state`',
  ],
  ['an errno that is none', '{ freeze: a, fails: EWHAT }', '13:29 unknown-name: Unknown name "EWHAT".'],
  ['a text with a blank', '{ write: "A B", in: a }', '13:18 bad-value: Expected a word of at most 40'],
  ['a path that leads out', '{ group: ../b }', '13:18 bad-value: Expected a name of lower-case letters'],
];

describe('a step', () => {
  it.each(bad)('with %s', (_, step, expected) => {
    const all = found(withSteps([...sound, step]));
    expect(all.length).toBe(1);
    expect(all[0]).toContain(expected);
  });

  it('can name a removed group no more, until it is made again', () => {
    expect(found(withSteps([...sound, '{ remove: a }', '{ group: a }', '{ thaw: a }']))).toEqual([]);
    expect(found(withSteps([...sound, '{ remove: a }', '{ thaw: a }'])).length).toBe(1);
    expect(found(withSteps([...sound, '{ remove: a, fails: EBUSY }', '{ thaw: a }']))).toEqual([]);
  });
});

describe('a matrix', () => {
  it.each([
    ['without steps', head.replace('    steps:\n', ''), '7:5 missing-key: The key "steps" is missing.'],
    ['with an empty list of steps', head.replace('steps:', 'steps: []'), '"steps" is empty'],
    [
      'with more steps than can be played',
      withSteps(Array<string>(65).fill('{ sleep: 1s }')),
      'at most 64 entries',
    ],
    [
      'for other freezers',
      withSteps(sound).replace('[v1, v2]', '[v2]'),
      '7:14 pointless: This sequence is for cgroup v1',
    ],
    ['without sequences', withSteps(sound).replace(/sequences:.*/s, 'sequences: {}'), '"sequences" is empty'],
    ['with workloads alone', `${withSteps(sound)}workloads: [sleep]\n`, 'The key "strategies" is missing.'],
    [
      'with a workload of that name',
      `${good}sequences: { sleep: { steps: [{ group: a }] } }`,
      '"sleep" is given twice',
    ],
    [
      'with a strategy called steps',
      `${good}  steps: {}\nsequences: { s: { steps: [{ group: a }] } }`,
      'stands for the steps',
    ],
    [
      'with an exclude of no sequence',
      `${withSteps(sound)}exclude: [{ workload: two }]\n`,
      'Unknown name "two".',
    ],
  ])('%s', (_, text, expected) => {
    expect(found(text)).toEqual([expect.stringContaining(expected)]);
  });

  it('has a cell for each sequence and freezer, beside those of its workloads', () => {
    const both =
      load(`${good}sequences: { s: { steps: [{ group: a }] }, only: { cgroups: [v1], steps: [{ group: a }] } }
exclude: [{ cgroup: v2, workload: s }]
expect: [{ strategy: steps, rate: "== 1" }]
`);
    const ids = (...select: string[]): string[] =>
      [...planCells(both, parseSelect(select, both))].map(({ id }) => id.replace('debian-13/', ''));
    expect(ids('strategy=steps')).toEqual(['v1/none/s/steps', 'v1/none/only/steps']);
    expect(ids('cgroup=v2')).toEqual(['v2/none/sleep/single', 'v2/none/spin/single']);
    expect(ids('workload=only+sleep', 'cgroup=v1')).toEqual(['v1/none/sleep/single', 'v1/none/only/steps']);
  });

  it('of the known suites has all 12 scripts of LTP and all 17 tests of the kernel', async () => {
    const text = await readFile(new URL('../../matrices/conformance.yaml', import.meta.url), 'utf8');
    const names = [...load(text).sequences.keys()];
    const count = (suite: string): number => names.filter((name) => name.startsWith(`${suite}.`)).length;
    expect([count('ltp'), count('kselftest')]).toEqual([12, 17]);
  });
});
