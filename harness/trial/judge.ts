import type { KernelFact } from '../lab/kernel.ts';
import type { Outcome } from './outcome.ts';
import { isInFreezer, stuckWords } from './stuck.ts';
import { isStarved, type Loss, type Silence, type Window } from './window.ts';

/** An outcome, with a sentence that explains it if it needs one. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly reason: string | null;
}

/**
 * The outcome of a trial by everything that was observed. What the guest measured stands. Any other failure is ours
 * (`lab-error`), unless one of these rules attributes it to the kernel:
 *
 * 1. a panic or an oops in the window: kernel-crash;
 * 2. frostbite is stuck in a system call to the freezer or its cgroups: kernel-hang;
 * 3. the machine runs, its vCPUs get host time, and it is lost or silent with a lockup on its console: kernel-hang;
 * 4. the same without a lockup, and nothing in its user space has been scheduled for many seconds: kernel-hang.
 *
 * A machine that was stopped, by frostline or anyone else, does not run; one that the host starves cannot answer.
 */
export function judge(window: Window): Verdict {
  const { end } = window;
  const crash = findCrash(window);
  if (end.kind === 'lost') return judgeLoss(window, end.loss, crash);
  const { outcome, reason } = end.result;
  if (outcome !== 'error') return { outcome, reason };
  return crash === undefined
    ? { outcome: 'lab-error', reason }
    : { outcome: 'kernel-crash', reason: `${crash} (frostbite: ${reason ?? 'no reason'})` };
}

const findFact = (facts: readonly KernelFact[], kinds: readonly KernelFact['kind'][]): string | undefined =>
  facts.find(({ kind }) => kinds.includes(kind))?.line;

function findCrash({ facts, changes }: Window): string | undefined {
  const line = findFact(facts, ['panic', 'oops']);
  if (line !== undefined) return line;
  const panicked = changes.some(({ event }) => event === 'GUEST_PANICKED');
  return panicked ? 'the guest told its machine that its kernel had panicked' : undefined;
}

function judgeLoss(window: Window, loss: Loss, crash: string | undefined): Verdict {
  if (crash !== undefined) return { outcome: 'kernel-crash', reason: crash };
  const ours = whyOurs(window, loss);
  if (ours !== undefined) return { outcome: 'lab-error', reason: ours };
  const hang = whyHang(window, loss);
  if (hang !== undefined) return { outcome: 'kernel-hang', reason: hang };
  return { outcome: 'lab-error', reason: lossWords(window, loss) };
}

/** Why a machine could not have answered, whatever its kernel did. */
function whyOurs(window: Window, loss: Loss): string | undefined {
  const { condition, heard, changes } = window;
  if (condition === null) return 'nothing is known of its machine';
  const { alive, state, control, detail } = condition;
  const told = detail ?? 'no more is known';
  if (!alive) {
    const last = changes.findLast(({ event }) => event === 'SHUTDOWN' || event === 'RESET');
    const how = last === undefined || last.detail === null ? '' : ` (${last.event}: ${last.detail})`;
    return `machine ended: ${told}${how}`;
  }
  if (control !== null) return `frostline could not stop its machine, or let it go on: ${control}`;
  if (state !== null && state !== 'running') {
    const stop = changes.findLast(({ event }) => event === 'STOP');
    const paused = stop?.isOurs === true ? 'frostline' : 'somebody else';
    const who = state === 'paused' ? paused : 'QEMU';
    return state === 'unknown' ? `machine lost: ${told}` : `machine stopped by ${who}: vCPUs ${state}`;
  }
  // a guest that sends heartbeats is not starved
  const isQuiet = loss.how === 'silent' || loss.how === 'ended';
  if (isQuiet && isStarved(heard.silence))
    return `the host gave its machine no time: no heartbeat for ${heard.silence.seconds} s, ${vcpuWords(heard.silence)}`;
  return undefined;
}

/** Applies the rules by which a hang of a running machine is the kernel's; undefined if none applies. */
function whyHang(window: Window, loss: Loss): string | undefined {
  const { heard, facts, condition } = window;
  const { how } = loss;
  if (heard.stuck !== null && (how === 'stuck' || how === 'late' || how === 'silent'))
    if (isInFreezer(heard.stuck)) return `frostbite is held in ${stuckWords(heard.stuck)}`;
  const isCut = how === 'ended' && loss.end.kind === 'lost';
  if (condition?.answers === true || !(how === 'silent' || isCut)) return undefined;
  const lockup = findFact(facts, ['lockup', 'rcu-stall']);
  if (lockup !== undefined) return lockup;
  if (how === 'silent') return `no heartbeat for ${heard.silence.seconds} s (${evidence(window)})`;
  const why = loss.end.kind === 'lost' ? loss.end.reason : '';
  return /keepalive/i.test(why) ? `${why} (${evidence(window)})` : undefined;
}

function lossWords(window: Window, loss: Loss): string {
  const { heard } = window;
  const at = heard.stuck === null ? heard.phase : `${heard.phase}, in ${stuckWords(heard.stuck)}`;
  switch (loss.how) {
    case 'silent':
      return `no heartbeat for ${heard.silence.seconds} s though its machine answers (${evidence(window)})`;
    case 'stuck':
      return `frostbite was at: ${at}`;
    case 'late':
      return `no result after ${loss.seconds} s though the guest runs; frostbite was at: ${at}`;
    case 'garbled':
      return `frostbite broke the protocol: ${loss.line.slice(0, 200)}`;
    case 'ended': {
      const { end } = loss;
      if (end.kind === 'lost') return `connection lost: ${end.reason} (${evidence(window)})`;
      return `frostbite ended with ${end.signal ?? end.code}: ${end.stderr.trim().slice(-300)}`;
    }
  }
}

/** What is known about the condition of the machine, in words. */
function evidence({ condition, heard }: Window): string {
  const { state = null, answers = null, detail = null } = condition ?? {};
  const asked = { true: 'a command is answered', false: 'no command is answered', null: '' } as const;
  return [state === null ? '' : `vCPUs ${state}`, vcpuWords(heard.silence), detail ?? '', asked[`${answers}`]]
    .filter((words) => words !== '')
    .join(', ');
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** The host time that each vCPU had during the silence, in words. */
function vcpuWords({ vcpus }: Silence): string {
  if (vcpus === null || vcpus.length === 0) return '';
  const times = vcpus.map(({ ranMs, waitedMs }) =>
    waitedMs === null ? seconds(ranMs) : `${seconds(ranMs)} (waited ${seconds(waitedMs)})`,
  );
  return `they had ${times.join(' and ')} s of the host`;
}
