import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FrostlineError } from '../errors.ts';
import { drivers } from '../lab/drivers.ts';
import type { Lab, LabContext } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { takeWay } from '../lab/take.ts';
import type { CgroupVersion, Matrix } from '../matrix/matrix.ts';
import { suggest } from '../matrix/suggest.ts';
import { escapeTerminal } from '../report/escape.ts';
import type { Io } from './io.ts';

/**
 * A machine of a distro outside any run, booted for a cgroup set-up when one is given. Disposing shuts it down and
 * removes everything it left.
 */
export async function bootOne(
  matrix: Matrix,
  { distro, cgroup }: { readonly distro: string; readonly cgroup?: CgroupVersion },
  io: Io,
): Promise<Machine & AsyncDisposable> {
  const ways = matrix.distros.get(distro)?.ways;
  if (ways === undefined) throw unknownDistro(matrix, distro);
  const dir = await mkdtemp(join(tmpdir(), 'frostline-one-'));
  const tell = (text: string): void => void io.stderr.write(`frostline: ${escapeTerminal(text)}\n`);
  const context: LabContext = {
    run: `one-${process.pid}`,
    consoles: dir,
    allowLocal: false,
    signal: io.signal,
    onWarning: tell,
    onPreparing: (what) => {
      tell(`preparing ${what}`);
      return () => undefined;
    },
    onStep: (_, what) => {
      tell(what);
      return () => undefined;
    },
  };
  try {
    const { way, lab } = await takeWay(ways, (one): Promise<Lab> => drivers[one.driver](context), io.signal);
    tell(`booting ${distro}`);
    const machine = await lab.boot({
      ...{ id: 'm1', way, signal: io.signal },
      ...(cgroup === undefined ? {} : { cgroup }),
    });
    const dispose = machine[Symbol.asyncDispose].bind(machine);
    machine[Symbol.asyncDispose] = async () => {
      await dispose();
      await rm(dir, { recursive: true, force: true });
    };
    return machine;
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

function unknownDistro(matrix: Matrix, distro: string): FrostlineError {
  const known = [...matrix.distros.keys()];
  const near = suggest(distro, known);
  const like = near === null ? '' : ` Did you mean "${near}"?`;
  return new FrostlineError(`The matrix has no distro "${distro}".${like}`, {
    code: 'usage',
    todo: `It has: ${known.slice(0, 20).join(', ')}.`,
  });
}
