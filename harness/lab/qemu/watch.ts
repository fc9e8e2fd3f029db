import { markConsole, type BoundedLog } from '../console.ts';
import { mergeFacts, readFacts, type KernelFact } from '../kernel.ts';
import type { Condition, Watch } from '../machine.ts';
import type { Child } from './process.ts';
import type { Qmp } from './qmp.ts';
import type { RunStates } from './states.ts';
import { readVcpus, vcpuThreads } from './vcpus.ts';

const stateMs = 2000;
/** Not long, for the sake of a stuck guest, but enough for a slow one to start a shell. */
const answerMs = 10_000;

/** The parts of a QEMU machine that are watched. */
export interface Watched {
  readonly child: Child;
  readonly qmp: Qmp;
  readonly states: RunStates;
  readonly log: BoundedLog;
  /** The file of its console. */
  readonly console: string;
  /** Runs a command in the guest. */
  readonly ask: (command: string, ms: number) => Promise<unknown>;
  /** Reads the guest's own kernel log, too, if it is a whole distro; null when the guest does not answer. */
  readonly askLog?: (kernelUs: number | null) => Promise<Account | null>;
}

/** What a guest reports about itself. */
export interface Account {
  readonly facts: readonly KernelFact[];
  /** Anything odd; human-readable. */
  readonly detail: string | null;
}

/** Watches a QEMU machine: its console, its monitor's events, its vCPUs, and whether its guest answers. */
export async function watchQemu(of: Watched): Promise<Watch> {
  const start = performance.now();
  const said = await markConsole(of.console, of.log);
  const facts = async (): Promise<KernelFact[]> => readFacts(await said());
  let threads: readonly number[] | undefined;
  return {
    facts,
    changes: () => of.states.since(start),
    condition: async (kernelUs) => ({
      ...(await stand(of, kernelUs, facts)),
      control: of.states.failed,
    }),
    vcpus: async () => {
      threads ??= await vcpuThreads(of.qmp).catch(() => undefined);
      return threads === undefined ? null : readVcpus(of.child.process.pid!, threads);
    },
  };
}

type Standing = Omit<Condition, 'control'>;

async function stand(
  of: Watched,
  kernelUs: number | null,
  facts: () => Promise<KernelFact[]>,
): Promise<Standing> {
  const ended = async (over: string): Promise<Standing> => ({
    ...{ alive: false, state: null, answers: null, detail: over },
    facts: await facts(),
  });
  if (of.child.over !== undefined) return ended(of.child.over);
  const state = await of.qmp.execute('query-status', {}, stateMs).then(
    (told) => (told as { readonly status: string }).status,
    () => 'unknown',
  );
  if (state !== 'running') {
    const detail = state === 'unknown' ? "QEMU's monitor does not answer" : null;
    return { alive: true, state, answers: null, detail, facts: await facts() };
  }
  if (of.askLog !== undefined) {
    const told = await of.askLog(kernelUs);
    const all = mergeFacts(await facts(), told?.facts ?? []);
    return { alive: true, state, answers: told !== null, detail: told?.detail ?? null, facts: all };
  }
  const answers = await of.ask('true', answerMs).then(
    () => true,
    () => false,
  );
  // it may have ended meanwhile
  if (of.child.over !== undefined) return ended(of.child.over);
  return { alive: true, state, answers, detail: null, facts: await facts() };
}
