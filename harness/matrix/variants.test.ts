import { describe, expect, it } from 'vitest';
import { explain } from './finding.ts';
import { loadMatrix } from './load.ts';
import { parametersOf, parseVariant, variantName } from './parameters.ts';
import { workloadNames } from './workloads.ts';

const matrix = (more: string): string => `
name: test
trials: 4
distros: { newest: { driver: qemu, kernel: "deb:trixie" } }
cgroups: [v1]
strategies: { single: { preset: single } }
${more}
`;

function namesOf(more: string): readonly string[] {
  const loaded = loadMatrix(matrix(more), 'test.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  return loaded.matrix.workloads;
}

function findingsOf(more: string): string {
  const text = matrix(more);
  const loaded = loadMatrix(text, 'test.yaml');
  return loaded.ok ? '' : loaded.findings.map((one) => `${one.line}: ${explain(one)}`).join('\n');
}

describe('a workload with parameters', () => {
  it.each([
    ['[sleep, vfork-exec-storm: { loops: 1 }]', ['sleep', 'vfork-exec-storm:loops=1']],
    [
      '[vfork-exec-storm: { loops: [1, 4], exec: [tiny, self] }]',
      [
        'vfork-exec-storm:loops=1:exec=tiny',
        'vfork-exec-storm:loops=1',
        'vfork-exec-storm:exec=tiny',
        'vfork-exec-storm',
      ],
    ],
    ['["mt-exec-storm:threads=3:load=1"]', ['mt-exec-storm:threads=3:load=1']],
    ['[mt-exec-storm: {}]', ['mt-exec-storm']],
  ])('%s has names that tell what is not its own', (text, names) => {
    expect(namesOf(`workloads: ${text}`)).toEqual(names);
  });

  it('has the load of the matrix where it says none', () => {
    expect(namesOf('workloads: [sleep, spin: { load: 1 }]\nload: [0, 2]')).toEqual([
      'sleep',
      'sleep:load=2',
      'spin:load=1',
    ]);
  });

  it.each([
    ['workloads: [vfork-exec-storm: { loop: 1 }]', 'loop'],
    ['workloads: [vfork-exec-storm: { loops: 17 }]', 'at most 16'],
    ['workloads: [vfork-exec-storm: { exec: big }]', 'big'],
    ['workloads: [sleep: { loops: 2 }]', 'loops'],
    ['workloads: [vfork-storm: { loops: 2 }]', 'vfork-storm'],
    ['workloads: ["sleep:loops=2"]', 'WORKLOAD:PARAMETER=VALUE'],
    [
      'workloads: [spin: {}, sleep: {}, vfork-exec-storm: { loops: 4 }, vfork-exec-storm]',
      'vfork-exec-storm',
    ],
    ['workloads: [vfork-exec-storm: { loops: [1, 1] }]', 'loops=1'],
    ['workloads: [{ sleep: {}, spin: {} }]', 'one workload'],
    ['workloads: [slep]', 'sleep'],
    ['workloads: [sleep]\nload: 99', 'at most 16'],
    ['workloads: [spin: { load: 1 }]\nexclude: [{ workload: spin }]', 'spin:load=1'],
  ])('is refused with a place and what is known: %s', (text, word) => {
    const found = findingsOf(text);
    expect(found).toMatch(/^[78]: /);
    expect(found).toContain(word);
  });

  it('can be selected by its name', () => {
    const text = 'workloads: [sleep, spin: { load: 1 }]\nexclude: [{ workload: "spin:load=1" }]';
    expect(findingsOf(text)).toBe('');
  });
});

describe('the name of a variant', () => {
  it('is read as what it was made from, for each value of each parameter at its bounds', () => {
    for (const workload of workloadNames) {
      for (const [key, parameter] of Object.entries(parametersOf(workload))) {
        const values = 'of' in parameter ? parameter.of : [parameter.min, parameter.max];
        for (const value of values) {
          const name = variantName(workload, { [key]: value });
          expect(parseVariant(name)).toMatchObject({ workload, values: { [key]: value } });
        }
      }
    }
  });

  it.each([
    '',
    'nope',
    'sleep:',
    'sleep:load',
    'sleep:load=',
    'sleep:load=1.5',
    'sleep:load=17',
    'constructor',
  ])('is none: "%s"', (name) => {
    expect(parseVariant(name)).toBeNull();
  });
});
