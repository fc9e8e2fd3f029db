import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byVersion } from './versions.ts';

const dpkg = (a: string, b: string): number => {
  const is = (relation: string): boolean => {
    try {
      execFileSync('dpkg', ['--compare-versions', a, relation, b], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };
  return is('lt') ? -1 : is('gt') ? 1 : 0;
};

describe('versions', () => {
  it.each([
    ['6.12.9-1~bpo12+1', '6.12.9-1'],
    ['6.12.9-1', '6.12.9-1+deb13u1'],
    ['7.4~rc1-1~exp1', '7.4-1'],
    ['7.4~rc2-1', '7.4~rc10-1'],
    ['5.10.9-1', '5.10.46-1'],
    ['6.1-1', '6.1+x-1'],
    ['6.1.170-1', '6.12.1-1'],
    ['6.1.170-2', '6.1.170-10'],
  ])('%s is before %s, as dpkg has it', (a, b) => {
    expect(Math.sign(byVersion(a, b))).toBe(-1);
    expect(Math.sign(byVersion(b, a))).toBe(1);
    expect(dpkg(a, b)).toBe(-1);
  });

  it.each([
    ['7.4-rc3', '7.4.0'],
    ['5.4.0', '5.10.0-46'],
    ['6.1.0-56', '6.12.9'],
    ['3.10.0-1160.el7.x86_64', '3.10.108'],
    ['5.10.0-9-cloud-amd64', '5.10.0-46-cloud-amd64'],
    ['6.12.74+deb13-cloud-amd64', '6.12.117+deb13-cloud-amd64'],
  ])('of kernels: %s is before %s', (a, b) => {
    expect([b, a].sort(byVersion)).toEqual([a, b]);
  });

  it('of any form are in the order of dpkg', () => {
    const part = fc.stringMatching(/^[0-9][0-9a-c.+~]{0,6}$/);
    const version = fc.tuple(part, fc.option(part)).map(([up, rev]) => (rev === null ? up : `${up}-${rev}`));
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(Math.sign(byVersion(a, b))).toBe(dpkg(a, b));
      }),
      { numRuns: 60 },
    );
  });
});
