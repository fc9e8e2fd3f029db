import { once } from 'node:events';
import { mkdtemp, writeFile, mkdir } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QemuMachine } from './machine.ts';
import { Qmp } from './qmp.ts';
import { RunStates } from './states.ts';
import { readVcpus } from './vcpus.ts';
import { watchQemu, type Watched } from './watch.ts';

/** The answers of a monitor to each command; it also sends the greeting. */
const answers: Record<string, readonly object[]> = {};
let dir = '';
let qmp: Qmp;
let states: RunStates;
let socket: Socket;
let close: () => void;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'frostline-test-'));
  const say = (line: object): void => void socket.write(`${JSON.stringify(line)}\n`);
  const server = createServer((one) => {
    socket = one;
    say({ QMP: {} });
    one.on('data', (data) => {
      for (const line of data.toString().trim().split('\n')) {
        const { execute } = JSON.parse(line) as { execute: string };
        for (const answer of answers[execute] ?? [{ return: {} }]) say(answer);
      }
    });
  }).listen(join(dir, 'qmp'));
  await once(server, 'listening');
  close = () => void server.close();
  answers['stop'] = [{ event: 'STOP' }, { return: {} }];
  answers['cont'] = [{ event: 'RESUME' }, { return: {} }];
  answers['query-status'] = [{ return: { status: 'running' } }];
  answers['query-cpus-fast'] = [{ return: [{ 'thread-id': 7 }, { 'thread-id': 7 }, { 'thread-id': 8 }] }];
  qmp = await Qmp.open(join(dir, 'qmp'));
  states = new RunStates(qmp);
});
afterEach(() => {
  qmp[Symbol.dispose]();
  close();
});

/** Sends an unsolicited event, and waits until the client has received it. */
async function hear(event: object): Promise<void> {
  socket.write(`${JSON.stringify(event)}\n`);
  await qmp.execute('query-status');
}

const watched = (change: Partial<Watched> = {}): Watched => ({
  ...{ child: { process: { pid: process.pid } as never, over: undefined }, qmp, states },
  ...{ log: { cut: { bytes: 0, at: 0 }, [Symbol.dispose]: () => undefined }, console: join(dir, 'console') },
  ...{ ask: () => Promise.reject(new Error('not within 10 s')), ...change },
});

describe('the states of a machine', () => {
  it('are known with who asked for them', async () => {
    const start = performance.now();
    await states.pause();
    expect(states.isStill).toBe(true);
    await states.resume();
    expect(states.isStill).toBe(false);
    await hear({ event: 'STOP' });
    await hear({ event: 'NIC_RX_FILTER_CHANGED', data: {} });
    await hear({ event: 'SHUTDOWN', data: { guest: true, reason: 'guest-reset' } });
    const told = states.since(start).map(({ event, isOurs, detail }) => [event, isOurs, detail]);
    expect(told).toEqual([
      ['STOP', true, null],
      ['RESUME', true, null],
      ['STOP', false, null],
      ['SHUTDOWN', false, 'guest-reset'],
    ]);
    expect(states.since(performance.now())).toEqual([]);
    expect(states.failed).toBeNull();
  });

  it('have the first command of ours that failed', async () => {
    answers['cont'] = [{ error: { class: 'GenericError', desc: 'Resetting is required' } }];
    await states.pause();
    await expect(states.resume()).rejects.toThrow('QMP cont: Resetting is required');
    expect([states.isStill, states.failed]).toEqual([false, 'QMP cont: Resetting is required']);
    const watch = await watchQemu(watched());
    expect(await watch.condition(null)).toMatchObject({ control: 'QMP cont: Resetting is required' });
  });

  it('are those of a machine that is lost when it cannot be let go on', async () => {
    answers['cont'] = [{ error: { class: 'GenericError', desc: 'refused' } }];
    let isConnected = true;
    const machine = new QemuMachine({
      plan: { id: 'm7', accelerator: {}, qemu: {} },
      states,
      remote: { [Symbol.dispose]: () => void (isConnected = false) },
    } as never);
    await machine.pause();
    expect([machine.isStill, isConnected]).toEqual([true, true]);
    await expect(machine.resume()).rejects.toThrow('QMP cont: refused');
    expect([machine.isStill, isConnected]).toEqual([false, false]);
    await expect(machine.serve()).rejects.toThrow('m7 could not be paused or resumed: QMP cont: refused');
  });

  it('of a QEMU that has gone fail at once', async () => {
    socket.destroy();
    await expect(qmp.execute('query-status')).rejects.toThrow('QEMU closed its monitor.');
    await expect(states.pause()).rejects.toThrow('QEMU closed its monitor.');
    expect(states.isStill).toBe(false);
  });
});

describe('a watch', () => {
  it('has the console and the changes from its beginning on, and asks whether the guest answers', async () => {
    await states.pause();
    await writeFile(join(dir, 'console'), '[    1.0] rcu: INFO: rcu_sched self-detected stall on CPU\n');
    const asked: string[] = [];
    const ask = (command: string): Promise<unknown> => Promise.resolve(asked.push(command));
    const watch = await watchQemu(watched({ ask }));
    expect([await watch.facts(), watch.changes()]).toEqual([[], []]);
    const line = '[    2.0] WARNING: CPU: 0 PID: 1 at kernel/freezer.c:1';
    await writeFile(join(dir, 'console'), `${line}\n`, { flag: 'a' });
    await states.resume();
    expect(await watch.facts()).toEqual([{ kind: 'warning', line }]);
    expect(watch.changes()).toMatchObject([{ event: 'RESUME', isOurs: true }]);
    const { facts, ...stands } = await watch.condition(null);
    expect(stands).toEqual({ alive: true, state: 'running', answers: true, detail: null, control: null });
    expect(facts).toHaveLength(1);
    expect(asked).toEqual(['true']);
  });

  it('says of a machine that does not run no more than that', async () => {
    answers['query-status'] = [{ return: { status: 'paused' } }];
    const stopped = await (await watchQemu(watched())).condition(null);
    expect(stopped).toMatchObject({ alive: true, state: 'paused', answers: null });
    answers['query-status'] = [{ error: { class: 'GenericError', desc: 'no' } }];
    const silent = await (await watchQemu(watched())).condition(null);
    expect(silent).toMatchObject({ state: 'unknown', detail: "QEMU's monitor does not answer" });
    const child = { process: { pid: 1 } as never, over: 'QEMU ended with SIGKILL' };
    const ended = await (await watchQemu(watched({ child }))).condition(null);
    expect(ended).toMatchObject({ alive: false, detail: 'QEMU ended with SIGKILL' });
  });
});

describe('the time of vCPUs', () => {
  const thread = async (id: number, files: Readonly<Record<string, string>>): Promise<void> => {
    const folder = join(dir, 'proc', '5', 'task', String(id));
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  };

  it('is what the scheduler says of their threads, or what they used where it says nothing', async () => {
    await thread(7, { schedstat: '1500000000 250000000 99\n' });
    const rest = Array.from({ length: 30 }, (_, i) => i).join(' ');
    await thread(8, { stat: `8 (CPU 1/TCG) x) S 1 1 1 0 0 0 0 0 0 0 120 30 ${rest}` });
    expect(await readVcpus(5, [7, 8], join(dir, 'proc'))).toEqual([
      { ranMs: 1500, waitedMs: 250 },
      { ranMs: 1500, waitedMs: null },
    ]);
    expect(await readVcpus(5, [9], join(dir, 'proc'))).toBeNull();
  });

  it('is of the threads that the monitor names', async () => {
    const watch = await watchQemu(watched());
    // the monitor names threads that this process does not have
    expect(await watch.vcpus!()).toBeNull();
    answers['query-cpus-fast'] = [{ return: [{ 'thread-id': process.pid }] }];
    const own = await (await watchQemu(watched())).vcpus!();
    expect(own).toEqual([{ ranMs: expect.any(Number) as number, waitedMs: expect.any(Number) as number }]);
  });
});
