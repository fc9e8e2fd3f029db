import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { workloadNames } from '../matrix/workloads.ts';
import { isUnfreezable } from './unfreezable.ts';

const text = readFileSync(new URL('../../docs/findings/old-kernels.md', import.meta.url), 'utf8');
/** The rows of a table: each cell without its markup. */
const rowsOf = (title: string): string[][] => {
  const [, section = ''] = text.split(`${title}\n`);
  const [table = ''] = section.split(/\n#+ /);
  return [...table.matchAll(/^\| `.*\|$/gm)].map(([row]) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('`', '').trim()),
  );
};
/** Workloads on v1 that no strategy froze, and some that one did. */
const measured = [
  ...(
    [
      ['### 3.10.108, mainline', '3.10.108'],
      ["### 3.10.0-1160.el7, RHEL 7's and CentOS 7's", '3.10.0-1160.el7.x86_64'],
    ] as const
  ).flatMap(([title, release]) =>
    rowsOf(title).map(([workload = '', ...cells]) => ({ release, workload, found: cells.join(' ') })),
  ),
  ...['4.4.178', '4.18.0-240.el8.x86_64', '5.4.286'].flatMap((release, i) =>
    rowsOf('## Every workload on 4.4, 4.18 and 5.4').map(([workload = '', ...cells]) => ({
      ...{ release, workload, found: cells[i]!.replace(/ of \d+$/, '') },
    })),
  ),
].filter(({ found }) => !found.includes('unsupported'));

describe('what cannot be frozen', () => {
  it('is what no strategy froze of all workloads on 3.10 to 5.4', () => {
    expect(measured.length).toBeGreaterThan(5 * 30);
    const wrong = measured.filter(({ release, workload, found }) => {
      const never = found.split(' ').every((cell) => /^0(?:\/\d+)?$/.test(cell));
      return isUnfreezable(workload, { cgroup: 'v1', release }) !== never;
    });
    expect(wrong).toEqual([]);
  });

  it.each([
    ['fsfreeze-write', 'v1', '6.12.118+deb13-cloud-amd64', true],
    ['fsfreeze-write', 'v1', '6.18.15+deb13-cloud-amd64', false],
    ['fsfreeze-write', 'hybrid', '7.3.4+deb13-cloud-amd64', false],
    ['fsfreeze-write', 'v2', '7.3.4+deb13-cloud-amd64', true],
    ['nfs-hung', 'v1', '6.12.9', false],
    ['nfs-hung', 'v2', '6.12.9', true],
    ['vhost-worker', 'v2', '6.1.0-56-cloud-amd64', true],
    ['vhost-worker', 'v1', '6.1.0-56-cloud-amd64', false],
    ['vhost-worker', 'v2', '6.12.9', false],
    ['fuse-unanswered:load=2', 'v1', '6.12.9', true],
    ['mt-exec-storm', 'v1', '6.12.9', false],
    ['of-another-frostline', 'v1', '6.12.9', false],
  ])('%s on %s of %s: %s', (workload, cgroup, release, is) => {
    expect(isUnfreezable(workload, { cgroup, release })).toBe(is);
  });

  it('is never a control or a race', () => {
    const races = workloadNames.filter((name) => /storm|once|bomb|^sleep$|^spin$/.test(name));
    expect(races.length).toBeGreaterThan(8);
    for (const release of ['3.10.108', '6.1.0', '7.3.4'])
      for (const cgroup of ['v1', 'v2', 'hybrid'])
        expect(races.filter((name) => isUnfreezable(name, { cgroup, release }))).toEqual([]);
  });
});
