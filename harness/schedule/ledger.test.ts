import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cell } from '../plan/cell.ts';
import { Ledger, type Entry, type GivenUp } from './ledger.ts';

/** All combinations of two distros, two cgroups, two workloads and two strategies. */
const cells: readonly Cell[] = ['a', 'b'].flatMap((distro) =>
  (['v1', 'v2'] as const).flatMap((cgroup) =>
    ['sleep', 'spin'].flatMap((workload) =>
      ['single', 'runc'].map((strategy): Cell => ({
        ...{ id: `${distro}/${cgroup}/none/${workload}/${strategy}` },
        ...{ distro, cgroup, runtime: 'none', workload, strategy },
      })),
    ),
  ),
);
const cellOf = (id: string): Cell => cells.find((one) => one.id === id)!;

/** Plays `CELL REASON [used]` lines, on fresh machines unless `used`; `ok`: measured. Returns what was given up. */
function play(lines: readonly string[]): string[] {
  const given: GivenUp[] = [];
  const ledger = new Ledger(cells, (one) => given.push(one));
  for (const line of lines) {
    const [id = '', reason = '', used] = line.split(' ');
    const entry = ledger.begin({ kind: 'trial', cell: cellOf(id) });
    if (reason === 'ok') entry.worked();
    else if (reason === 'left') entry.left();
    else entry.failed(reason, used === undefined);
  }
  return given.map(({ cells: all, reason }) => `${all.map(({ id }) => id).join(' ')}: ${reason}`);
}

const of = (scope: string, ...workloads: string[]): string =>
  cells
    .filter(({ id }) => id.startsWith(scope) && workloads.every((word) => id.includes(word)))
    .map(({ id }) => id)
    .join(' ');

describe('a lab error of trials', () => {
  it.each<readonly [what: string, lines: readonly string[], given: readonly string[]]>([
    ['on one machine is none to believe', ['a/v1/none/sleep/single x'], []],
    [
      'of two workloads and strategies is of all that are set up alike',
      ['a/v1/none/sleep/single x', 'a/v1/none/spin/runc x'],
      [`${of('a/v1')}: x`],
    ],
    [
      'of two workloads is of their strategy',
      ['a/v1/none/sleep/single x', 'a/v1/none/spin/single x'],
      [`${of('a/v1', 'single')}: x`],
    ],
    [
      'of two strategies is of their workload',
      ['a/v1/none/sleep/single x', 'a/v1/none/sleep/runc x'],
      [`${of('a/v1', 'sleep')}: x`],
    ],
    [
      'of one cell is its own',
      ['a/v1/none/sleep/single x', 'a/v1/none/sleep/single x'],
      ['a/v1/none/sleep/single: x'],
    ],
    [
      'is of one cell when another like it was measured',
      ['a/v1/none/spin/runc ok', 'a/v1/none/sleep/single x', 'a/v1/none/sleep/single x'],
      ['a/v1/none/sleep/single: x'],
    ],
    ['of two cgroups is no proof', ['a/v1/none/sleep/single x', 'a/v2/none/spin/runc x'], []],
    ['of two distros is no proof', ['a/v1/none/sleep/single x', 'b/v1/none/spin/runc x'], []],
    ['of two kinds is no proof', ['a/v1/none/sleep/single x', 'a/v1/none/spin/runc y'], []],
    [
      'on used machines alone is no proof',
      ['a/v1/none/sleep/single x used', 'a/v1/none/spin/runc x used'],
      [],
    ],
    [
      'on one fresh machine among used ones is',
      ['a/v1/none/sleep/single x used', 'a/v1/none/spin/runc x'],
      [`${of('a/v1')}: x`],
    ],
    [
      'gives up nothing that was measured',
      ['a/v1/none/sleep/single ok', 'a/v1/none/sleep/single x', 'a/v1/none/sleep/single x'],
      [],
    ],
    [
      'is not refuted by what tells nothing',
      ['a/v1/none/sleep/single x', 'a/v1/none/sleep/runc left', 'a/v1/none/spin/runc x'],
      [`${of('a/v1')}: x`],
    ],
    [
      'takes along only those that are left',
      ['a/v1/none/sleep/single x', 'a/v1/none/sleep/single x', 'a/v1/none/spin/runc x'],
      ['a/v1/none/sleep/single: x', `${of('a/v1').replace('a/v1/none/sleep/single ', '')}: x`],
    ],
  ])('%s', (_, lines, given) => {
    expect(play(lines)).toEqual(given);
  });

  it('waits for the trials that are under way, one of which may be measured', () => {
    const given: GivenUp[] = [];
    const ledger = new Ledger(cells, (one) => given.push(one));
    const [first, second, third, elsewhere] = [
      ...['a/v1/none/sleep/single', 'a/v1/none/spin/runc', 'a/v1/none/spin/single', 'a/v2/none/spin/single'],
    ].map((id) => ledger.begin({ kind: 'trial', cell: cellOf(id) })) as [Entry, Entry, Entry, Entry];
    first.failed('x', true);
    second.failed('x', true);
    expect(given).toEqual([]);
    third.worked();
    elsewhere.left();
    expect(given).toEqual([]);
    expect(ledger.reasonFor(cellOf('a/v1/none/sleep/single'))).toBeNull();
  });

  it('is believed when the last of them has ended', () => {
    const given: GivenUp[] = [];
    const ledger = new Ledger(cells, (one) => given.push(one));
    const [first, second, third] = ['sleep/single', 'spin/runc', 'spin/single'].map((id) =>
      ledger.begin({ kind: 'trial', cell: cellOf(`a/v1/none/${id}`) }),
    ) as [Entry, Entry, Entry];
    first.failed('x', true);
    second.failed('x', true);
    third.failed('y', true);
    // an attempt that has ended cannot succeed later
    third.worked();
    expect(given.map(({ cells: all, reason }) => `${all.length} ${reason}`)).toEqual(['4 x']);
    expect(ledger.reasonFor(cellOf('a/v1/none/spin/single'))).toBe('x');
    expect(ledger.reasonFor(cellOf('a/v2/none/spin/single'))).toBeNull();
  });

  it('has the next machine try what is most unlike, until something like it was measured', () => {
    const ledger = new Ledger(cells, () => undefined);
    const cell = cellOf('a/v1/none/sleep/single');
    const fail = (one: Cell): void => ledger.begin({ kind: 'trial', cell: one }).failed('x', true);
    fail(cell);
    expect(ledger.probe(cell, cells)?.id).toBe('a/v1/none/spin/runc');
    expect(ledger.probe(cell, [cell, cellOf('a/v2/none/spin/runc')])).toBeUndefined();
    expect(ledger.probe(cell, [cell, cellOf('a/v1/none/sleep/runc')])?.id).toBe('a/v1/none/sleep/runc');
    ledger.begin({ kind: 'trial', cell: cellOf('a/v1/none/spin/single') }).worked();
    expect(ledger.probe(cell, cells)).toBeUndefined();
  });
});

describe('machines of a distro', () => {
  const play3 = (ends: readonly ((entry: Entry) => void)[], kind: 'boot' | 'set-up' = 'boot'): string[] => {
    const given: GivenUp[] = [];
    const ledger = new Ledger(cells, (one) => given.push(one));
    for (const end of ends)
      end(ledger.begin(kind === 'boot' ? { kind, distro: 'a' } : { kind, distro: 'a', cgroup: 'v1' }));
    return given.map(({ cells: all, reason }) => `${all.length}: ${reason}`);
  };
  const failed = (reason: string) => (entry: Entry) => entry.failed(reason, true);

  it("that do not boot for the same reason twice give it up, with the last one's words", () => {
    expect(play3([failed('m1 is dead\n  Look.'), failed('m2 is dead\n  Look at m2.')])).toEqual([
      '8: m2 is dead\n  Look at m2.',
    ]);
  });

  it('are no proof when they say different things, or one was up', () => {
    expect(play3([failed('m1 is dead'), failed('m2 is gone')])).toEqual([]);
    expect(play3([(entry) => entry.worked(), failed('m1 is dead'), failed('m2 is dead')])).toEqual([]);
  });

  it('that cannot have a set-up give up that one', () => {
    expect(play3([failed('m1 is lost'), failed('m2 is lost')], 'set-up')).toEqual(['4: m2 is lost']);
    expect(play3([(entry) => entry.cannot('no v1 freezer')], 'set-up')).toEqual(['4: no v1 freezer']);
  });
});

it('never gives up a cell that was measured, nor one twice, nor without two failures', () => {
  const step = fc.record({
    cell: fc.constantFrom(...cells),
    ends: fc.constantFrom('worked', 'x', 'y', 'left'),
    isFresh: fc.boolean(),
    /** How many of the attempts under way end before it begins. */
    before: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const measured = new Set<string>();
      const failures = new Map<string, number>();
      const givenUp = new Set<string>();
      const ledger = new Ledger(cells, ({ cells: all, reason }) => {
        expect(failures.get(reason) ?? 0).toBeGreaterThanOrEqual(2);
        for (const { id } of all) {
          expect(measured.has(id)).toBe(false);
          expect(givenUp.has(id)).toBe(false);
          givenUp.add(id);
        }
      });
      const underWay: (() => void)[] = [];
      for (const { cell, ends, isFresh, before } of steps) {
        for (const end of underWay.splice(0, before)) end();
        if (ledger.reasonFor(cell) !== null) continue;
        const entry = ledger.begin({ kind: 'trial', cell });
        underWay.push(() => {
          if (ends === 'worked') measured.add(cell.id);
          else if (ends !== 'left') failures.set(ends, (failures.get(ends) ?? 0) + 1);
          if (ends === 'worked') entry.worked();
          else if (ends === 'left') entry.left();
          else entry.failed(ends, isFresh);
        });
      }
      for (const end of underWay) end();
      expect(new Set(cells.filter((cell) => ledger.reasonFor(cell) !== null).map(({ id }) => id))).toEqual(
        givenUp,
      );
    }),
  );
});
