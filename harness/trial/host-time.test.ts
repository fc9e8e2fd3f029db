import { expect, it } from 'vitest';
import { hostTime } from './host-time.ts';

it('is what all vCPUs ran and waited between two looks', () => {
  const before = [
    { ranMs: 10, waitedMs: 1 },
    { ranMs: 20, waitedMs: 0 },
  ];
  const after = [
    { ranMs: 12.5, waitedMs: 3 },
    { ranMs: 21, waitedMs: 0.25 },
  ];
  expect(hostTime(before, after)).toEqual({ ranUs: 3500, waitedUs: 2250 });
});

it.each([
  ['nobody can be asked', undefined, undefined],
  ['one look failed', [{ ranMs: 1, waitedMs: 1 }], null],
  ['the host does not say who waited', [{ ranMs: 1, waitedMs: null }], [{ ranMs: 2, waitedMs: null }]],
  [
    'a vCPU came',
    [{ ranMs: 1, waitedMs: 1 }],
    [
      { ranMs: 1, waitedMs: 1 },
      { ranMs: 1, waitedMs: 1 },
    ],
  ],
])('is not known where %s', (_, before, after) => {
  expect(hostTime(before, after)).toBeNull();
});
