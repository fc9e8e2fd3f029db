import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { FrostlineError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import type { Cell } from '../plan/cell.ts';
import { sampleRecord } from '../record/sample.ts';
import { frame, liveProgress } from './live.ts';
import { plainProgress } from './plain.ts';
import { trackRun } from './state.ts';
import { duration } from './words.ts';

const cell = (workload: Cell['workload']): Cell => ({
  id: `debian-13/v1/none/${workload}/single`,
  distro: 'debian-13',
  cgroup: 'v1',
  runtime: 'none',
  workload,
  strategy: 'single',
});
const cells = [cell('sleep'), cell('spin'), cell('fork-storm')];
const started: RunEvent = {
  kind: 'run-started',
  ...{ run: 'r1', dir: 'results/r1', cells, trials: 12, sampled: false, finished: 2, jobs: 2, lab: 'tcg' },
};
const finished = (of: Cell, trial: number, outcome: 'frozen' | 'not-frozen' | 'lab-error'): RunEvent => ({
  kind: 'trial-finished',
  record: sampleRecord({ cell: of.id, trial, outcome }),
});

describe('plain progress', () => {
  it('is a line for each finished cell and for what went wrong, none for a trial', () => {
    let clock = 0;
    const stream = new PassThrough();
    const listen = plainProgress(stream, () => clock);
    const emit = (event: RunEvent, ms = 0): void => {
      clock += ms;
      listen(event);
    };
    emit(started);
    emit({ kind: 'preparing', what: 'kernel 6.12\u001b[2J' });
    emit({ kind: 'prepared', what: 'kernel 6.12', ms: 8200 });
    emit({ kind: 'machine-booting', machine: 'm1', distro: 'debian-13' });
    emit({ kind: 'machine-step', machine: 'm1', what: 'vagrant up', ms: null });
    emit({ kind: 'machine-step', machine: 'm1', what: 'vagrant up', ms: 45_000 });
    emit({ kind: 'machine-step', machine: 'm1', what: 'snapshot', ms: null });
    emit({ kind: 'machine-step', machine: 'm1', what: 'snapshot', ms: 400 });
    emit({ kind: 'machine-ready', machine: 'm1', distro: 'debian-13', release: '6.12', ms: 3000 }, 3000);
    emit(finished(cells[0]!, 2, 'frozen'), 10_000);
    emit(finished(cells[0]!, 3, 'not-frozen'), 10_000);
    emit({ kind: 'cell-finished', cell: cells[0]!, reason: null });
    emit(finished(cells[1]!, 0, 'lab-error'));
    emit({ kind: 'machine-lost', machine: 'm1', distro: 'debian-13', reason: 'silent', replaced: true });
    emit({ kind: 'cell-finished', cell: cells[1]!, reason: 'given up after 3 lab errors' });
    const error = new FrostlineError('no such suite', { code: 'kernel', todo: 'Name another.' });
    emit({ kind: 'distro-failed', distro: 'debian-99', error });
    emit({ kind: 'warning', text: 'QEMU 7.2' });
    emit({ kind: 'run-finished', run: 'r1', dir: 'results/r1', ms: 65_000 });
    listen.close();
    expect(String(stream.read())).toMatchInlineSnapshot(`
      "run r1: 3 cells, 12 trials, 2 of them finished before; 2 machines at once, tcg
      preparing: kernel 6.12\\x1b[2J
      prepared: kernel 6.12 (8s)
      m1: vagrant up
      m1: vagrant up (45s)
      m1: snapshot
      [ 33%] debian-13/v1/none/sleep/single  1/2 frozen  eta 1m20s
      [ 33%] m1 (debian-13) given up: silent; a fresh machine takes over
      [ 66%] debian-13/v1/none/spin/single  0/0 frozen  ended early: given up after 3 lab errors
      debian-99 cannot be measured: no such suite Name another.
      warning: QEMU 7.2
      finished in 1m05s: results/r1
      "
    `);
  });
});

describe('a plain log', () => {
  it('shows that a run moves when no cell has finished for half a minute', () => {
    let clock = 0;
    const stream = new PassThrough();
    const listen = plainProgress(stream, () => clock);
    listen(started);
    stream.read();
    for (const trial of [0, 1, 2]) {
      clock += 16_000;
      listen(finished(cells[0]!, trial, 'frozen'));
    }
    expect(String(stream.read())).toBe(
      '[ 33%] 4/12 trials  eta 1m04s  (m3 debian-13/v1/none/sleep/single)\n',
    );
  });
});

describe('a plain log of many machines', () => {
  it('tells as many as a line has room for, and how many more there are', () => {
    let clock = 0;
    const stream = new PassThrough();
    const listen = plainProgress(stream, () => clock);
    listen(started);
    for (let i = 1; i <= 16; i++)
      listen({ kind: 'machine-booting', machine: `m${i}`, distro: 'centos-stream-9-of-the-far-future' });
    stream.read();
    clock = 40_000;
    listen(finished(cells[0]!, 0, 'frozen'));
    expect(String(stream.read())).toBe(
      '[ 25%] 3/12 trials  eta unknown  (m1 booting centos-stream-9-of-the-far-future, m2 booting centos-stream-9-of-the-far-future, 14 more)\n',
    );
  });

  it('says once why cells were given up', () => {
    const stream = new PassThrough();
    const listen = plainProgress(stream);
    listen(started);
    stream.read();
    listen({ kind: 'cells-given-up', cells, reason: 'm2 did not boot\n  Read its log.' });
    for (const one of cells) listen({ kind: 'cell-finished', cell: one, reason: 'm2 did not boot' });
    expect(String(stream.read())).toBe(
      '[ 16%] not measured: 3 cells of debian-13 on v1 by single: m2 did not boot Read its log.\n',
    );
  });

  it('does not say of cells that have trials that they were not measured', () => {
    const stream = new PassThrough();
    const listen = plainProgress(stream);
    listen(started);
    listen(finished(cells[0]!, 0, 'frozen'));
    stream.read();
    listen({ kind: 'cells-given-up', cells: [cells[0]!], reason: 'gone' });
    expect(String(stream.read())).toBe('[ 25%] no more trials: debian-13/v1/none/sleep/single: gone\n');
  });
});

describe('the estimate', () => {
  it('comes from finished trials and leaves out those that will never run', () => {
    let clock = 0;
    const { observe, state } = trackRun(() => clock);
    observe(started);
    expect(state().etaMs).toBeNull();
    observe({ kind: 'machine-ready', machine: 'm1', distro: 'd', release: '6', ms: 1 });
    clock = 2000;
    observe(finished(cells[0]!, 0, 'frozen'));
    // one trial is not enough for a pace: it gave an estimate of hours for a run of two minutes
    expect(state()).toMatchObject({ settled: 3, etaMs: null });
    clock = 4000;
    observe(finished(cells[0]!, 1, 'frozen'));
    expect(state()).toMatchObject({ settled: 4, trials: 12, etaMs: 16_000 });
    observe({ kind: 'cell-finished', cell: cells[1]!, reason: 'gone' });
    expect(state()).toMatchObject({ settled: 8, etaMs: 8000 });
  });
});

describe('live progress', () => {
  it('shows the step that a machine is at', () => {
    const { observe, state } = trackRun();
    observe(started);
    observe({ kind: 'machine-booting', machine: 'm1', distro: 'box' });
    observe({ kind: 'machine-step', machine: 'm1', what: 'reboot for v1', ms: null });
    expect(frame(state(), 80).split('\n')[1]).toBe('  m1   reboot for v1');
  });

  it('is plain where there is no terminal, and in CI', () => {
    for (const [isTTY, env] of [
      [false, {}],
      [true, { CI: 'true' }],
      [true, { TERM: 'dumb' }],
    ] as const) {
      const stream = Object.assign(new PassThrough(), { isTTY });
      liveProgress(stream, env)({ kind: 'warning', text: 'w' });
      expect(String(stream.read())).toBe('warning: w\n');
    }
  });

  it('redraws ten times a second at most, and leaves the finished lines behind', () => {
    vi.useFakeTimers();
    try {
      const drawnAt = new Set<number>();
      const sink = new Writable({
        write(_chunk, _encoding, done) {
          drawnAt.add(Date.now());
          done();
        },
      });
      const stream = Object.assign(sink, { isTTY: true, columns: 100, rows: 30 });
      const listen = liveProgress(stream, {});
      listen(started);
      for (let i = 0; i < 100; i++) {
        listen(finished(cells[0]!, i, 'frozen'));
        vi.advanceTimersByTime(10);
      }
      expect(drawnAt.size).toBeGreaterThan(8);
      expect(drawnAt.size).toBeLessThanOrEqual(11);
      listen.close();
      listen.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('cuts each line to the width and says how many machines there are', () => {
    const machines = Array.from({ length: 20 }, (_, i) => ({ machine: `m${i}`, doing: 'x'.repeat(200) }));
    const text = frame(
      {
        settled: 6,
        trials: 12,
        etaMs: 130_000,
        machines,
        tally: () => '',
        isMeasured: () => false,
        isTold: () => false,
      },
      60,
    );
    expect(text.split('\n')[0]).toBe('[###############...............] 50%  6/12 trials  eta 2m10');
    expect(text.split('\n').every(({ length }) => length < 60)).toBe(true);
    expect(text).toContain('and 12 more machines');
  });
});

describe('durations', () => {
  it.each([
    [8000, '8s'],
    [59_900, '1m00s'],
    [130_000, '2m10s'],
    [3_900_000, '1h05m'],
  ])('%i ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
