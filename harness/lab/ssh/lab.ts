import { Scope } from '../../base/scope.ts';
import { FrostlineError, sentence } from '../../errors.ts';
import type { SshWay } from '../../matrix/matrix.ts';
import type { MachineFacts } from '../facts.ts';
import { Host, type HostShell } from '../host.ts';
import type { BootRequest, Lab, LabContext } from '../lab.ts';
import type { Channel, Condition, Machine, Watch } from '../machine.ts';
import { Remote, type Endpoint } from '../remote.ts';
import { fingerprint, knownKeys, readKey } from './keys.ts';

const connectMs = 30_000;
/** A host that does not answer within this time counts as silent. */
const askMs = 15_000;

export const openSshLab = (context: LabContext): Promise<SshLab> => Promise.resolve(new SshLab(context));

const nameOf = ({ user, host, port }: SshWay): string => `${user}@${host}:${port}`;

/** Existing hosts, with one machine at a time on each. */
export class SshLab implements Lab<SshWay> {
  readonly description = 'existing hosts over SSH';
  readonly #context: LabContext;
  /** By host: settles when the machine that is on it now has left. */
  readonly #busy = new Map<string, Promise<void>>();

  constructor(context: LabContext) {
    this.#context = context;
  }

  memoryOf(): number {
    return 0;
  }

  async prepare(way: SshWay): Promise<void> {
    await endpointOf(way);
    const remote = await connect(way, this.#context.signal);
    remote[Symbol.dispose]();
  }

  async boot({ id, way, signal }: BootRequest<SshWay>): Promise<SshMachine> {
    const name = nameOf(way);
    const before = this.#busy.get(name);
    let leave!: () => void;
    this.#busy.set(name, new Promise((resolve) => (leave = resolve)));
    await before;
    const scope = new Scope();
    scope.defer(leave);
    try {
      signal.throwIfAborted();
      const remote = await connect(way, signal);
      scope.defer(() => remote[Symbol.dispose]());
      const host = await Host.enter(shellOf(name, remote), { sudo: way.sudo, isGuest: true });
      // an unreachable host cannot be cleaned up: the next machine on it does that first
      scope.defer(() => host[Symbol.asyncDispose]().catch(() => undefined));
      return new SshMachine({ id, way, host, scope });
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      throw error;
    }
  }
}

async function endpointOf(way: SshWay): Promise<Omit<Endpoint, 'hostKey'> & { known: Buffer[] }> {
  const { host, port, user } = way;
  const [privateKey, known] = [await readKey(way), await knownKeys(way)];
  return { host, port, user, privateKey, known, isForeign: true };
}

async function connect(way: SshWay, signal: AbortSignal): Promise<Remote> {
  const { known, ...endpoint } = await endpointOf(way);
  let seen: Buffer | undefined;
  const onHostKey = (key: Buffer): void => void (seen = key);
  try {
    return await Remote.connect({ ...endpoint, hostKey: known, onHostKey }, connectMs, signal);
  } catch (cause) {
    if (seen === undefined || known.some((key) => key.equals(seen!))) throw cause;
    throw new FrostlineError(
      `${nameOf(way)} answers with another host key (${fingerprint(seen)}) than the known ${known.map(fingerprint).join(', ')}.`,
      {
        code: 'machine',
        todo: 'Compare it with that of the host; correct `hostKey` or known_hosts if it is right.',
        cause,
      },
    );
  }
}

const shellOf = (name: string, remote: Remote): HostShell => ({
  name,
  run: (command, ms, options) => remote.run(command, ms, options),
  open: (command, terminal) => remote.open(command, undefined, terminal),
});

interface Parts {
  readonly id: string;
  readonly way: SshWay;
  readonly host: Host;
  readonly scope: Scope;
}

/** frostbite on an existing host. Disposing it leaves the host up, with nothing of frostline's on it. */
class SshMachine implements Machine {
  readonly facts: MachineFacts;
  readonly release: string;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    const { id, way, host } = parts;
    this.#parts = parts;
    this.release = host.release;
    this.facts = {
      ...{ id, boot: host.boot, driver: 'ssh', host: way.host, image: null },
      ...{ accel: null, threads: null, qemu: null, cpu: null, memoryMiB: null, userland: null },
    };
  }

  serve(): Promise<Channel> {
    return this.#parts.host.serve();
  }

  exec(command: string, timeoutMs: number): ReturnType<Machine['exec']> {
    return this.#parts.host.exec(command, timeoutMs);
  }

  /** There is no console and no QEMU to ask, so the host itself is asked. */
  watch(): Promise<Watch> {
    return Promise.resolve({
      facts: () => Promise.resolve([]),
      changes: () => [],
      condition: (kernelUs) => this.#condition(kernelUs),
    });
  }

  /** Asks over the same connection; if that is lost, checks whether the host answers again, and in which boot. */
  async #condition(kernelUs: number | null): Promise<Condition> {
    const { host, way } = this.#parts;
    const common = { state: null, control: null };
    try {
      const { boot, facts } = await host.condition(askMs, kernelUs);
      const detail = boot === this.facts.boot ? null : `its boot is ${boot} now`;
      return { ...common, alive: true, answers: true, detail, facts };
    } catch {
      const detail = await lostWords(way, this.facts.boot);
      return { ...common, alive: false, answers: false, detail, facts: [] };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.scope[Symbol.asyncDispose]();
  }
}

async function lostWords(way: SshWay, boot: string): Promise<string> {
  try {
    using remote = await connect(way, AbortSignal.timeout(askMs));
    const { stdout } = await remote.run('cat /proc/sys/kernel/random/boot_id', askMs);
    return stdout.trim() === boot
      ? 'the connection was lost, and the host answers again'
      : `the host has rebooted: boot ${boot} before, ${stdout.trim()} now`;
  } catch (error) {
    return `the host does not answer: ${sentence(error)}`;
  }
}
