import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { boundedLines } from '../../base/lines.ts';
import { capture } from '../../base/command.ts';
import { FrostlineError } from '../../errors.ts';
import type { LocalWay } from '../../matrix/matrix.ts';
import { Host, type HostShell } from '../host.ts';
import type { BootRequest, Lab, LabContext } from '../lab.ts';
import type { Channel, ChannelEnd, Machine, Watch } from '../machine.ts';

/** Opens this host itself. Rejects ('host') unless --allow-local is given and frostline runs as root. */
export function openLocalLab(context: LabContext): Promise<LocalLab> {
  const refuse = (message: string, todo: string): Promise<never> =>
    Promise.reject(new FrostlineError(message, { code: 'host', todo }));
  if (!context.allowLocal)
    return refuse(
      "The driver `local` freezes groups of this machine's own kernel; a workload that cannot be released stays until it is rebooted.",
      'Say --allow-local if that is meant.',
    );
  if (process.getuid?.() !== 0) return refuse('The driver `local` needs root.', 'Run frostline as root.');
  return Promise.resolve(new LocalLab());
}

/** This host, used by one run and one machine of it at a time. */
export class LocalLab implements Lab<LocalWay> {
  readonly description = "this machine's own kernel";
  #busy: Promise<void> = Promise.resolve();

  memoryOf(): number {
    return 0;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  async boot({ id, signal }: BootRequest<LocalWay>): Promise<Machine> {
    const before = this.#busy;
    let leave!: () => void;
    this.#busy = new Promise((resolve) => (leave = resolve));
    await before;
    try {
      signal.throwIfAborted();
      const host = await Host.enter(shell, { sudo: false, isGuest: true });
      return machineOf(id, host, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }
}

function machineOf(id: string, host: Host, leave: () => void): Machine {
  return {
    facts: {
      ...{ id, boot: host.boot, driver: 'local', host: null, image: null },
      ...{ accel: null, threads: null, qemu: null, cpu: null, memoryMiB: null, userland: null },
    },
    release: host.release,
    serve: () => host.serve(),
    exec: (command, ms) => host.exec(command, ms),
    watch: () => Promise.resolve(watchOf(host)),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]().finally(leave),
  };
}

/** `alive` is always true: this host runs the code that asks. */
const watchOf = (host: Host): Watch => ({
  facts: () => Promise.resolve([]),
  changes: () => [],
  condition: async (kernelUs) => {
    const told = await host.condition(15_000, kernelUs).catch(() => null);
    return {
      ...{ alive: true, state: null, answers: told !== null, control: null, detail: null },
      facts: told?.facts ?? [],
    };
  },
});

const shell: HostShell = {
  name: 'this machine',
  run: async (command, ms, { input } = {}) => {
    const argv = ['sh', '-c', command];
    if (input === undefined) return capture(argv, { timeoutMs: ms });
    const child = spawn('sh', ['-c', command], {
      stdio: ['pipe', 'ignore', 'pipe'],
      ...{ timeout: ms, killSignal: 'SIGKILL' },
    });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => void (stderr += data.toString('utf8')));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout: '', stderr };
  },
  open: (command) => Promise.resolve(openChannel(command)),
};

function openChannel(command: string): Channel {
  const child = spawn('sh', ['-c', command], { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on(
    'data',
    (data: Buffer) => void (stderr = (stderr + data.toString('utf8')).slice(-64 * 1024)),
  );
  child.stdin.on('error', () => undefined);
  const ended = new Promise<ChannelEnd>((resolve) => {
    child.once('error', ({ message }) => resolve({ kind: 'lost', reason: message }));
    child.once('close', (code, signal) => resolve({ kind: 'exit', code, signal, stderr }));
  });
  return {
    lines: boundedLines(child.stdout, 64 * 1024),
    ended,
    write: (text) => void child.stdin.write(text),
    end: () => void child.stdin.end(),
    [Symbol.asyncDispose]: async () => {
      // frostbite exits at the end of its input, and leaves nothing behind
      child.stdin.end();
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 10_000).unref())]);
    },
  };
}
