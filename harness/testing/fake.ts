import { boundedLines } from '../base/lines.ts';
import { PassThrough } from 'node:stream';
import type { MachineFacts } from '../lab/facts.ts';
import type { Channel, ChannelEnd, Machine, Watch } from '../lab/machine.ts';
import { sampleRecord } from '../record/sample.ts';
import { watchSeeing } from './saying.ts';

/** The answer of a fake machine's frostbite to a trial. */
export type Answer = (trial: {
  readonly number: number;
  readonly cgroup: string;
  readonly workload: string;
  /** The id of the machine that it runs on. */
  readonly machine: string;
}) => {
  readonly outcome: 'frozen' | 'not-frozen' | 'unsupported' | 'error';
  readonly reusable: boolean;
  readonly reason?: string;
};

/** A machine that boots nothing: its frostbite speaks the protocol and answers each trial at once. */
export class FakeMachine implements Machine {
  readonly release = '6.12.0-fake';
  readonly #id: string;
  readonly #answer: Answer;
  /** The operations on it, in order. */
  readonly log: string[];
  boot = 1;
  #serving = 0;

  constructor(id: string, answer: Answer, log: string[]) {
    this.#id = id;
    this.#answer = answer;
    this.log = log;
  }

  get facts(): MachineFacts {
    return { ...sampleRecord().machine, id: this.#id, boot: `${this.#id}-boot-${this.boot}` };
  }

  get isServing(): boolean {
    return this.#serving > 0;
  }

  serve(): Promise<Channel> {
    const out = new PassThrough();
    const say = (event: object): void => void out.write(`${JSON.stringify(event)}\n`);
    this.log.push(`${this.#id} serve`);
    this.#serving++;
    const { release } = this;
    say({
      ev: 'hello',
      version: '0',
      release,
      arch: 'x86_64',
      cpus: 1,
      boot: this.facts.boot,
      v1: '/1',
      v2: '/2',
    });
    let heard = '';
    let isOver = false;
    let over!: (end: ChannelEnd) => void;
    const ended = new Promise<ChannelEnd>((resolve) => {
      over = resolve;
    });
    return Promise.resolve({
      lines: boundedLines(out, 10_000),
      ended,
      write: (text) => {
        heard += text;
        for (let end = heard.indexOf('\n\n'); end >= 0; end = heard.indexOf('\n\n')) {
          this.#trial(heard.slice(0, end), say);
          heard = heard.slice(end + 2);
        }
      },
      end: () => undefined,
      [Symbol.asyncDispose]: () => {
        if (!isOver) this.#serving--;
        isOver = true;
        over({ kind: 'exit', code: 0, signal: null, stderr: '' });
        out.end();
        return Promise.resolve();
      },
    });
  }

  #trial(text: string, say: (event: object) => void): void {
    const words = new Map(text.split('\n').map((line) => line.split('=') as [string, string]));
    const trial = Number(words.get('trial'));
    const cgroup = words.get('cgroup') ?? '';
    const workload = words.get('workload') ?? '';
    this.log.push(`${this.#id} ${cgroup} ${trial}`);
    const { frozenUs, writes, reads, thaws, states, thaw, blockers, tool } = sampleRecord();
    const figures = {
      frozenUs,
      writes,
      reads,
      thaws,
      states,
      thaw,
      blockers,
      tool,
      runtime: null,
      guestUs: 1,
    };
    say({ ev: 'start', trial });
    const answer = this.#answer({ number: trial, cgroup, workload, machine: this.#id });
    say({ ev: 'result', trial, reason: null, ...figures, ...answer });
  }

  exec(): never {
    throw new Error('a fake machine runs no command');
  }

  watch(): Promise<Watch> {
    return Promise.resolve(watchSeeing());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.log.push(`${this.#id} down`);
    return Promise.resolve();
  }
}
