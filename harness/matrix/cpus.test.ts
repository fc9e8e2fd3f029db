import { describe, expect, it } from 'vitest';
import { findMissingFiles } from './files.ts';
import { explain } from './finding.ts';
import { loadMatrix } from './load.ts';

const kernel = 'driver: qemu, kernel: "deb:trixie"';
const matrix = (distros: string, more: string): string => `
name: test
trials: 4
distros: ${distros}
${more}
cgroups: [v1]
workloads: [sleep]
strategies: { single: { preset: single } }
`;

function load(distros: string, more: string) {
  const loaded = loadMatrix(matrix(distros, more), 'test.yaml');
  if (!loaded.ok) throw new Error(loaded.findings.map((one) => `${one.line}: ${explain(one)}`).join('; '));
  return loaded.matrix;
}

const cpusOf = (distros: string, more: string): Record<string, unknown> =>
  Object.fromEntries(
    [...load(distros, more).distros].map(([name, { ways }]) => [
      name,
      ways.map((way) => ('cpus' in way ? way.cpus : null)),
    ]),
  );

describe('the processors of a matrix', () => {
  it("make a distro for each number, named by it where it is not the distro's own", () => {
    expect(cpusOf(`{ a: { ${kernel} }, b: { ${kernel}, cpus: 4 } }`, 'cpus: [1, 2, 4]')).toEqual({
      ...{ 'a:cpus=1': [1], a: [2], 'a:cpus=4': [4] },
      ...{ 'b:cpus=1': [1], 'b:cpus=2': [2], b: [4] },
    });
  });

  it('are those of each way', () => {
    expect(cpusOf(`{ a: { ways: [{ driver: vagrant, box: x/y }, { ${kernel} }] } }`, 'cpus: 3')).toEqual({
      'a:cpus=3': [3, 3],
    });
  });

  it("are the distro's own where the matrix says nothing", () => {
    expect(cpusOf(`{ a: { ${kernel}, cpus: 4 } }`, '')).toEqual({ a: [4] });
  });

  it.each([
    [
      `{ a: { ${kernel} }, b: { driver: local } }`,
      'cpus: [1, 2]',
      '5: "cpus" means nothing with "driver: local"',
    ],
    [`{ a: { ${kernel} } }`, 'cpus: [2, 2]', '5: '],
    [`{ a: { ${kernel} } }`, 'cpus: 99', '5: '],
    [`{ a: { ${kernel} } }`, 'cpus: [1, 4]\nexclude: [{ distro: a }]', '6: '],
  ])('are refused with the place: %s, %s', (distros, more, words) => {
    expect(() => load(distros, more)).toThrow(words);
  });

  it('are named in an exclude', () => {
    expect([
      ...load(`{ a: { ${kernel} } }`, 'cpus: [1, 4]\nexclude: [{ distro: "a:cpus=4" }]').exclude,
    ]).toEqual([{ distro: ['a:cpus=4'] }]);
  });

  it('ask for a file that is missing once', async () => {
    const missing = load('{ a: { driver: qemu, kernel: "path:/nowhere" } }', 'cpus: [1, 4]');
    expect(await findMissingFiles(missing, 'test.yaml')).toHaveLength(1);
  });
});
