import { describe, expect, it } from 'vitest';
import { FrostlineError } from '../errors.ts';
import type { Machine } from '../lab/machine.ts';
import { FakeMachine, type Answer } from '../testing/fake.ts';
import { matrixOf, tasksOf } from '../testing/machines.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { planCells } from '../plan/cells.ts';
import { Ledger } from './ledger.ts';
import { workShift } from './shift.ts';
import type { Task } from '../trial/task.ts';

const matrixWith = (workloads: string): Matrix =>
  matrixOf(`name: test
trials: 2
distros: { guest: { driver: qemu, kernel: "deb:trixie" } }
cgroups: [v1, v2]
workloads: ${workloads}
strategies: { any: { deadline: 1s } }`);
const matrix = matrixWith('[sleep]');

const frozen: Answer = () => ({ outcome: 'frozen', reusable: true });

interface Told {
  readonly log: string[];
  readonly boots: string[];
  /** The cgroup setup that each machine was booted for. */
  readonly wanted: string[];
  readonly machines: FakeMachine[];
}

interface Works {
  readonly enough?: (cgroup: string, told: Told) => boolean;
  readonly room?: () => Promise<void>;
  readonly of?: Matrix;
  readonly tasks?: readonly Task[];
}

/** Runs the matrix on fake machines, each of which `make` may extend. */
async function work(
  answer: Answer,
  make: (machine: FakeMachine) => Partial<Machine>,
  { enough = () => false, room = () => Promise.resolve(), of = matrix, tasks = tasksOf(of) }: Works = {},
): Promise<Told> {
  const told: Told = { log: [], boots: [], wanted: [], machines: [] };
  const { log, machines } = told;
  await workShift(tasks, {
    signal: new AbortController().signal,
    ledger: new Ledger([...planCells(of)], () => undefined),
    boot: async (begin) => {
      await room();
      const cgroup = begin();
      if (cgroup === null) return null;
      told.wanted.push(cgroup);
      const machine = new FakeMachine(`m${machines.length + 1}`, answer, log);
      machines.push(machine);
      return Object.assign(machine, make(machine));
    },
    onTrial: (_, { outcome }, { facts }) => told.boots.push(`${facts.boot} ${outcome}`),
    onFailed: () => Promise.resolve(),
    onLost: ({ facts }, _, replaced) => log.push(`${facts.id} lost${replaced ? '' : ' at the end'}`),
    onAgain: ({ facts }) => log.push(`${facts.id} again`),
    onDone: ({ facts }) => log.push(`${facts.id} done`),
    onBootFailed: (error) => log.push(`failed: ${String(error)}`),
    isEnough: ({ cgroup }) => enough(cgroup, told),
    onEnough: ({ cgroup }, tasks) => log.push(`enough of ${cgroup}: ${tasks}`),
    onGivenUp: (cells, reason) => log.push(`given up ${cells.length}: ${reason}`),
    onSkipped: ({ cgroup }, tasks, reason) => log.push(`skipped ${cgroup} ${tasks}: ${reason}`),
  });
  return told;
}

/** A machine that reboots to change its cgroup setup. */
const rebooting = (machine: FakeMachine): Partial<Machine> => {
  let now = 'v2';
  return {
    setUp: (cgroup) => {
      expect(machine.isServing).toBe(false);
      const rebooted = cgroup !== now;
      now = cgroup;
      if (rebooted) machine.boot++;
      machine.log.push(`set up ${cgroup}`);
      return Promise.resolve(rebooted);
    },
  };
};

describe('a machine that has one cgroup set-up at a time', () => {
  it('is brought to it once, without a session, and its records have the new boot', async () => {
    const { log, boots, wanted } = await work(frozen, rebooting);
    expect(wanted).toEqual(['v1']);
    expect(log).toEqual([
      ...['set up v1', 'm1 again', 'm1 serve', 'm1 v1 0', 'm1 v1 1'],
      ...['set up v2', 'm1 again', 'm1 serve', 'm1 v2 0', 'm1 v2 1'],
      ...['m1 done', 'm1 down'],
    ]);
    expect(boots).toEqual([
      ...['m1-boot-2 frozen', 'm1-boot-2 frozen', 'm1-boot-3 frozen', 'm1-boot-3 frozen'],
    ]);
  });

  it('leaves out at once what its kernel cannot have, and measures the rest', async () => {
    const error = new FrostlineError('Its kernel has no v1 freezer.', { code: 'kernel' });
    const { log, boots, machines } = await work(frozen, () => ({
      setUp: (cgroup) => (cgroup === 'v1' ? Promise.reject(error) : Promise.resolve(false)),
    }));
    expect(log).toContain('skipped v1 2: Its kernel has no v1 freezer.');
    expect(boots).toHaveLength(2);
    expect(machines).toHaveLength(2);
  });

  it('is tried twice when it does not come back, then only that set-up is given up', async () => {
    const { log, boots, machines } = await work(frozen, () => ({
      setUp: (cgroup) =>
        cgroup === 'v1' ? Promise.reject(new Error('it did not come back')) : Promise.resolve(false),
    }));
    expect(log.filter((line) => line === 'failed: Error: it did not come back')).toHaveLength(2);
    expect(log).toContain('skipped v1 2: it did not come back');
    expect(boots).toHaveLength(2);
    expect(machines).toHaveLength(3);
  });

  it('is tried three times when it says something else each time', async () => {
    const words = ['alpha', 'beta', 'gamma'].values();
    const { log, boots, machines } = await work(frozen, () => ({
      setUp: (cgroup) =>
        cgroup === 'v1' ? Promise.reject(new Error(`no ${words.next().value}`)) : Promise.resolve(false),
    }));
    expect(log.filter((line) => line.startsWith('given up'))).toEqual(['given up 1: no gamma']);
    expect(boots).toHaveLength(2);
    expect(machines).toHaveLength(4);
  });
});

describe('a machine whose workload could not be released', () => {
  const wedgedOnce = (): Answer => {
    let wedged = false;
    return () => {
      const reusable = wedged;
      wedged = true;
      return { outcome: 'not-frozen', reusable };
    };
  };

  it('is renewed where it can be, and goes on', async () => {
    const { log, boots, machines } = await work(wedgedOnce(), (machine) => ({
      renew: () => {
        expect(machine.isServing).toBe(false);
        machine.boot++;
        return Promise.resolve();
      },
    }));
    expect(machines).toHaveLength(1);
    expect(log.slice(0, 5)).toEqual(['m1 serve', 'm1 v1 0', 'm1 lost', 'm1 again', 'm1 serve']);
    expect(boots.map((line) => line.split(' ')[0])).toEqual([
      ...['m1-boot-1', 'm1-boot-2', 'm1-boot-2', 'm1-boot-2'],
    ]);
  });

  it('is set up anew after it was renewed', async () => {
    const { log } = await work(wedgedOnce(), (machine) => ({
      ...rebooting(machine),
      renew: () => Promise.resolve(),
    }));
    expect(log.filter((line) => line.startsWith('set up'))).toEqual(['set up v1', 'set up v1', 'set up v2']);
  });

  /** A machine that takes a snapshot when asked to, and can be restored only to that. */
  const keeping = (machine: FakeMachine): Partial<Machine> => {
    let kept = 0;
    return {
      ...rebooting(machine),
      keep: () => {
        expect(machine.isServing).toBe(false);
        kept = machine.boot;
        machine.log.push('keep');
        return Promise.resolve();
      },
      renew: () =>
        kept === machine.boot ? Promise.resolve() : Promise.reject(new Error('nothing was kept')),
    };
  };

  it('keeps its state once in a boot, before the first that may not be released, and comes back to that', async () => {
    const wedging: Answer = ({ number }) => ({ outcome: 'not-frozen', reusable: number !== 0 });
    const of = matrixWith('[sleep, fsfreeze-write, dm-suspend]');
    const ofSleep = ({ cell, request }: Task): boolean => cell.workload !== 'sleep' || request.trial > 0;
    const { log, machines } = await work(wedging, keeping, { of, tasks: tasksOf(of).filter(ofSleep) });
    expect(machines).toHaveLength(1);
    expect(log.filter((line) => !line.includes('serve'))).toEqual(
      ['v1', 'v2']
        .flatMap((cgroup) => [
          ...[`set up ${cgroup}`, 'm1 again', `m1 ${cgroup} 1`, 'keep'],
          ...[`m1 ${cgroup} 0`, 'm1 lost', 'm1 again', `set up ${cgroup}`, `m1 ${cgroup} 1`],
          ...[`m1 ${cgroup} 0`, 'm1 lost', 'm1 again', `set up ${cgroup}`, `m1 ${cgroup} 1`],
        ])
        .concat('m1 done', 'm1 down'),
    );
  });

  it('keeps nothing for what is always released, until that was not', async () => {
    expect((await work(frozen, keeping)).log).not.toContain('keep');
    const { log, machines, wanted } = await work(wedgedOnce(), keeping);
    expect(machines).toHaveLength(2);
    expect(wanted).toEqual(['v1', 'v1']);
    expect(log.filter((line) => line === 'keep')).toHaveLength(2);
    expect(log.indexOf('keep')).toBeGreaterThan(log.indexOf('m1 down'));
  });

  it.each([
    ['cannot be renewed', {}],
    ['could not be renewed', { renew: () => Promise.reject(new Error('no snapshot')) }],
  ])('is replaced where it %s', async (_, powers) => {
    const { boots, machines, log } = await work(wedgedOnce(), () => powers);
    expect(machines).toHaveLength(2);
    expect(boots).toHaveLength(4);
    expect(log.indexOf('m1 down')).toBeLessThan(log.indexOf('m2 serve'));
  });
});

it('runs no more trials of a cell than are needed, and tells how many were left', async () => {
  const { log, boots } = await work(frozen, () => ({}), {
    enough: (cgroup, told) => cgroup === 'v1' && told.boots.length === 1,
  });
  expect(log).toContain('enough of v1: 1');
  expect(boots).toHaveLength(3);
});

describe('a machine that is not wanted any more', () => {
  it('is not booted when all cells of its share are decided', async () => {
    const { machines, log } = await work(frozen, () => ({}), { enough: () => true });
    expect(machines).toEqual([]);
    expect(log).toEqual(['enough of v1: 2', 'enough of v2: 2']);
  });

  it('is not booted when they are decided while it waits for room', async () => {
    let decided = false;
    const { machines } = await work(frozen, () => ({}), {
      enough: () => decided,
      room: () => {
        decided = true;
        return Promise.resolve();
      },
    });
    expect(machines).toEqual([]);
  });
});

describe('the turn of a trial', () => {
  /** Runs the matrix with turns that are shared (`goesOn`) or not; returns what happened, in order. */
  const inTurns = async (goesOn: boolean): Promise<string[]> => {
    const log: string[] = [];
    let turns = 0;
    await workShift(tasksOf(matrix), {
      signal: new AbortController().signal,
      ledger: new Ledger([...planCells(matrix)], () => undefined),
      boot: (begin) => Promise.resolve(begin() === null ? null : new FakeMachine('m', frozen, [])),
      turn: ({ cell }) => {
        const name = `${cell.cgroup} ${++turns}`;
        log.push(`${name} begins`);
        return Promise.resolve({
          goesOn: () => goesOn,
          quiet: () => undefined,
          [Symbol.dispose]: () => void log.push(`${name} ends`),
        });
      },
      end: () => {
        log.push('room for the end');
        return Promise.resolve({ [Symbol.dispose]: () => void log.push('down') });
      },
      onTrial: ({ request }) => log.push(`trial ${request.trial}`),
      onFailed: () => Promise.resolve(),
      onLost: () => undefined,
      onAgain: () => undefined,
      onDone: () => undefined,
      onBootFailed: (error) => log.push(String(error)),
      isEnough: () => false,
      onEnough: () => undefined,
      onGivenUp: () => undefined,
      onSkipped: () => undefined,
    });
    return log;
  };

  it('is had until it ends, and so is room for the end of its machine', async () => {
    expect(await inTurns(false)).toEqual([
      ...['v1 1 begins', 'trial 0', 'v1 1 ends', 'v1 2 begins', 'trial 1', 'v1 2 ends'],
      ...['v2 3 begins', 'trial 0', 'v2 3 ends', 'v2 4 begins', 'trial 1', 'v2 4 ends'],
      ...['room for the end', 'down'],
    ]);
  });

  it('is that of the next one of its cell where it goes on, and of no other cell', async () => {
    expect(await inTurns(true)).toEqual([
      ...['v1 1 begins', 'trial 0', 'trial 1', 'v1 1 ends'],
      ...['v2 2 begins', 'trial 0', 'trial 1', 'v2 2 ends', 'room for the end', 'down'],
    ]);
  });
});
