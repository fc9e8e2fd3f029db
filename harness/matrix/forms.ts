import { parseDuration } from './duration.ts';
import { cgroupVersions, freezerOf, type CgroupVersion, type StrategyForms } from './matrix.ts';
import { presets } from './presets.ts';
import type { RawStrategy } from './schema.ts';
import type { Schedule, Strategy } from './strategy.ts';
import type { ToolName } from './tools.ts';

const optional = <T>(value: T | undefined, fallback: T): T => value ?? fallback;
const us = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : parseDuration(text);

/** Due at every n-th read: every one if `n` is 1; 49, 99 ... if `n` is 50, as runc counts. */
const everyNth = (n: number | undefined): Schedule | undefined =>
  n === undefined ? undefined : { at: [n - 1], every: n };

const cyclic = (at: readonly number[] | undefined, cycle: number | undefined): Schedule | undefined =>
  at === undefined || cycle === undefined ? undefined : { at, every: cycle };

const always: Schedule = { at: [0], every: 1 };

/** Exceeds CRIU's own deadline of 10 s plus the time that its start and dump take under emulation. */
const toolDeadlineUs = 60_000_000;

/** What is pointless or contradictory in a strategy, with the key to report it at. */
export function contradictions(raw: RawStrategy): [key: keyof RawStrategy, text: string][] {
  if (raw.tool !== undefined) return idleBesides(raw.tool, raw);
  const found: [keyof RawStrategy, string][] = [];
  if (raw.preDump !== undefined)
    found.push(['preDump', 'preDump does nothing without tool: runc-checkpoint.']);
  const preset: StrategyForms = raw.preset === undefined ? {} : presets[raw.preset];
  const thaws = raw.thawEvery ?? raw.thawAt ?? Object.values(preset).some((form) => form.thaw !== null);
  if (raw.rewriteEvery !== undefined && raw.rewriteAt)
    found.push(['rewriteAt', 'rewriteEvery and rewriteAt exclude each other.']);
  if (raw.thawEvery !== undefined && raw.thawAt)
    found.push(['thawAt', 'thawEvery and thawAt exclude each other.']);
  for (const key of ['rewriteAt', 'thawAt'] as const) {
    if (!raw[key]) continue;
    if (raw.cycle === undefined)
      found.push([key, `${key} needs \`cycle\`, the number of steps after which it begins again.`]);
    else if (raw[key].some((step) => step >= raw.cycle!))
      found.push([key, `${key} counts from 0 and must stay below \`cycle\` (${raw.cycle}).`]);
    if (raw[key].length > 8) found.push([key, `${key} can hold 8 steps at most.`]);
  }
  if (raw.cycle !== undefined && !raw.rewriteAt && !raw.thawAt)
    found.push(['cycle', '`cycle` does nothing without rewriteAt or thawAt.']);
  if (raw.thawFor !== undefined && !thaws)
    found.push(['thawFor', 'thawFor does nothing without thawEvery or thawAt.']);
  const settles = Object.values(preset).some((form) => form.settle !== null);
  if (raw.settleEvery !== undefined && raw.settle === undefined && !settles)
    found.push(['settleEvery', 'settleEvery does nothing without settle.']);
  if (raw.calls !== undefined && raw.preset !== undefined && !('v1' in preset))
    found.push(['calls', `calls does nothing here: the preset "${raw.preset}" is for v2.`]);
  const waits = raw.wait === 'events' || (raw.wait === undefined && raw.preset === 'v2');
  if (raw.poll !== undefined && waits)
    found.push(['poll', 'poll does nothing here: this strategy waits for events.']);
  if (raw.pollBefore !== undefined && waits)
    found.push(['pollBefore', 'pollBefore does nothing here: this strategy waits for events.']);
  if (raw.wait === 'events' && raw.preset !== undefined && preset.v2 === undefined) {
    found.push(['wait', `Notifications exist on v2 only; the preset "${raw.preset}" is for v1.`]);
  }
  return found;
}

/** Keys that have no effect on a real program. */
function idleBesides(tool: ToolName, raw: RawStrategy): [key: keyof RawStrategy, text: string][] {
  const minded = new Set(['tool', 'deadline', ...(tool === 'runc-checkpoint' ? ['preDump'] : [])]);
  return (Object.keys(raw) as (keyof RawStrategy)[])
    .filter((key) => raw[key] !== undefined && !minded.has(key))
    .map((key) => [key, `${key} does nothing here: ${tool} freezes in its own way.`]);
}

/** Resolves a strategy of a matrix to its form for each cgroup version; `deadline` is that of the matrix, if set. */
export function toForms(name: string, raw: RawStrategy, deadline: string | undefined): StrategyForms {
  const base: StrategyForms =
    raw.preset === undefined ? { v1: presets.single.v1, v2: presets.single.v2 } : presets[raw.preset];
  const forms: Partial<Record<CgroupVersion, Strategy>> = {};
  for (const version of cgroupVersions) {
    const form = base[freezerOf(version)];
    if (form === undefined || (version !== 'v2' && raw.wait === 'events')) continue;
    forms[version] = override({ ...form, name }, raw, deadline);
  }
  return forms;
}

function override(form: Strategy, raw: RawStrategy, deadline: string | undefined): Strategy {
  const rewrite = everyNth(raw.rewriteEvery) ?? cyclic(raw.rewriteAt, raw.cycle);
  const thaw = everyNth(raw.thawEvery) ?? cyclic(raw.thawAt, raw.cycle);
  return {
    ...form,
    tool: raw.tool ?? null,
    preDump: raw.preDump ?? false,
    attempts: optional(raw.attempts, form.attempts),
    deadlineUs:
      raw.tool === undefined
        ? optional(us(raw.deadline) ?? us(deadline), form.deadlineUs)
        : optional(us(raw.deadline), toolDeadlineUs),
    pollUs: optional(us(raw.poll), form.pollUs),
    pollBefore: optional(raw.pollBefore, form.pollBefore),
    wait: optional(raw.wait, form.wait),
    calls: raw.calls ?? (raw.preset === undefined ? 'own' : form.calls),
    rewrite: rewrite ?? form.rewrite,
    thaw: thaw ?? form.thaw,
    thawForUs: optional(us(raw.thawFor), form.thawForUs),
    settle: everyNth(raw.settleEvery) ?? (raw.settle === undefined ? form.settle : always),
    settleUs: optional(us(raw.settle), form.settleUs),
  };
}
