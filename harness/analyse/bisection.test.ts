import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bisect, type Finding } from './bisection.ts';

const search = async (kinds: readonly Finding[]) => {
  const asked: number[] = [];
  const border = await bisect(
    kinds.map((_, i) => i),
    (at) => {
      asked.push(at);
      return Promise.resolve(kinds[at]!);
    },
  );
  return { ...border, asked };
};

describe('a bisection', () => {
  it('finds the border in few steps, the ends first', async () => {
    const kinds = Array.from({ length: 100 }, (_, i): Finding => (i < 37 ? 'good' : 'bad'));
    const { asked, ...border } = await search(kinds);
    expect(border).toEqual({ lastGood: 36, firstBad: 37, between: [] });
    expect(asked.slice(0, 2)).toEqual([0, 99]);
    expect(asked.length).toBeLessThan(10);
  });

  it('passes over what cannot be told, and says what that leaves open', async () => {
    expect(await search(['skip', 'good', 'skip', 'skip', 'bad', 'skip'])).toMatchObject({
      ...{ lastGood: 1, firstBad: 4, between: [2, 3] },
    });
  });

  it.each<[string, Finding[], object]>([
    ['all bad', ['bad', 'bad'], { lastGood: null, firstBad: 0 }],
    ['none bad', ['good', 'good', 'good'], { lastGood: 2, firstBad: null }],
    ['none that can be told', ['skip', 'skip'], { lastGood: null, firstBad: null }],
    ['none at all', [], { lastGood: null, firstBad: null }],
    ['one', ['good'], { lastGood: 0, firstBad: null }],
  ])('of %s has no border', async (_, kinds, border) => {
    expect(await search(kinds)).toMatchObject({ ...border, between: [] });
  });

  it('is right wherever the border is and whatever is skipped, and asks nobody twice', async () => {
    const size = fc.integer({ min: 2, max: 60 });
    const scene = fc.record({ size, border: fc.integer({ min: 1, max: 59 }), skips: fc.array(fc.nat(59)) });
    await fc.assert(
      fc.asyncProperty(scene, async ({ size, border, skips }) => {
        const at = Math.min(border, size - 1);
        const kinds = Array.from({ length: size }, (_, i): Finding =>
          skips.includes(i) && i > 0 && i < size - 1 ? 'skip' : i < at ? 'good' : 'bad',
        );
        const { lastGood, firstBad, between, asked } = await search(kinds);
        expect([kinds[lastGood!], kinds[firstBad!]]).toEqual(['good', 'bad']);
        expect(between.every((one) => kinds[one] === 'skip')).toBe(true);
        expect(new Set(asked).size).toBe(asked.length);
      }),
    );
  });
});
